package fix

import (
	"strings"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"
	"github.com/quickfixgo/quickfix/log/file"
)

// logs makes logs that tell the session of what quickfix says nowhere else: that there is no
// connection, or that the venue answers a logon with something else.
type logs struct {
	quickfix.LogFactory
	s *Session
}

func newLogs(cfg Config, settings *quickfix.SessionSettings, s *Session) (quickfix.LogFactory, error) {
	inner := cfg.Log
	switch {
	case inner != nil:
	case settings.HasSetting(config.FileLogPath):
		dir, _ := settings.Setting(config.FileLogPath) // it is there
		if !cfg.Settings.GlobalSettings().HasSetting(config.FileLogPath) {
			cfg.Settings.GlobalSettings().Set(config.FileLogPath, dir)
		}
		var err error
		if inner, err = file.NewLogFactory(cfg.Settings); err != nil {
			return nil, err
		}
	default:
		inner = quickfix.NewNullLogFactory()
	}
	return logs{inner, s}, nil
}

func (l logs) CreateSessionLog(id quickfix.SessionID) (quickfix.Log, error) {
	inner, err := l.LogFactory.CreateSessionLog(id)
	return sessionLog{inner, l.s}, err
}

type sessionLog struct {
	quickfix.Log
	s *Session
}

func (l sessionLog) OnEventf(format string, args ...interface{}) {
	if strings.HasPrefix(format, "Failed to connect") || strings.HasPrefix(format, "Failed handshake") {
		l.s.notify(Unreachable, format, args...)
	}
	if strings.HasPrefix(format, "Invalid Session State: Received Msg") && len(args) > 0 {
		if m, ok := args[0].(*quickfix.Message); ok {
			l.s.refusedLogon(m)
		}
	}
	l.Log.OnEventf(format, args...)
}

// refusedLogon tells why the venue does not let us in.
func (s *Session) refusedLogon(m *quickfix.Message) {
	text, err := m.Body.GetString(tagText)
	if err != nil {
		text = printable(m)
	}
	s.notify(Refused, "the venue refused the logon: %s", text)
}
