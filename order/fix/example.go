package fix

// Example is a file of settings that explains itself.
const Example = `# A session of FIX 4.4. All settings of quickfix for an initiator can stand here.
[DEFAULT]
ConnectionType=initiator
BeginString=FIX.4.4
HeartBtInt=30
# Seconds between two attempts to connect, and to wait for an answer to a logon and a logout.
ReconnectInterval=5
LogonTimeout=10
LogoutTimeout=2
# The session's numbers and messages. They must outlive the process.
FileStorePath=/var/lib/tickring/broker
# Every message, for people. Optional.
#FileLogPath=/var/log/tickring/broker

[SESSION]
SenderCompID=US
TargetCompID=BROKER
SocketConnectHost=127.0.0.1
SocketConnectPort=9876
# Goes out with every order. Optional.
#Account=12345

# Instruments: SecurityID of the feed, and what the counterparty calls it.
[SYMBOLS]
17077=ESH4
`
