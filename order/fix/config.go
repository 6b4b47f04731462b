package fix

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"
)

// ErrConfig: a configuration that no session can have.
var ErrConfig = errors.New("invalid configuration")

// Config is what a session needs to know.
type Config struct {
	// Settings are those of quickfix, with one session: an initiator of FIX.4.4. Account, if
	// set there, goes out with every order.
	Settings *quickfix.Settings
	// Symbols are the venue's names of the instruments, by SecurityID.
	Symbols map[uint32]string
	// Store keeps the session's numbers and messages. nil: files, in the directory that the
	// setting FileStorePath names.
	Store quickfix.MessageStoreFactory
	// Log is where messages and events go. nil: files, if the setting FileLogPath names a
	// directory, else nowhere.
	Log quickfix.LogFactory
	// Queue is how many messages of the venue may wait to be reported. Beyond them the socket
	// waits. 0: 4096.
	Queue int
	// Notify, if set, is called when the session comes up, goes down, or has something to say
	// that no record can. It is called by other goroutines, one at a time.
	Notify func(Event)
}

// Event is what Notify is told.
type Event struct {
	Kind EventKind
	Text string // in words, for an operator
}

// EventKind says what an Event is about.
type EventKind uint8

const (
	Up          EventKind = iota + 1 // logged on
	Down                             // logged out, or disconnected
	Unreachable                      // no connection
	Refused                          // the venue logged us out, with its reason
	Unmatched                        // a message of the venue that fits no order; it was not reported
)

const defaultQueue = 4096

var header = regexp.MustCompile(`^\[(?i)(DEFAULT|SESSION|SYMBOLS)\]$`)

// ReadConfig reads a settings file of quickfix that has a section of its own for the
// symbols, in which the left side is a SecurityID:
//
//	[SYMBOLS]
//	17077=ESH4
//
// name is that of the file. Errors wrap [ErrConfig] and name file and line.
func ReadConfig(in io.Reader, name string) (Config, error) {
	cfg := Config{Symbols: map[uint32]string{}}
	var rest strings.Builder
	section, line := "", 0
	for scan := bufio.NewScanner(in); ; {
		if !scan.Scan() {
			if err := scan.Err(); err != nil {
				return cfg, fmt.Errorf("fix: %s:%d: %w", name, line+1, err)
			}
			break
		}
		line++
		text := strings.TrimSpace(scan.Text())
		if m := header.FindStringSubmatch(text); m != nil {
			section = strings.ToUpper(m[1])
		} else if err := cfg.setting(section, text); err != nil {
			return cfg, fmt.Errorf("fix: %s:%d: %w", name, line, err)
		}
		if section != "SYMBOLS" {
			rest.WriteString(text + "\n")
		}
	}
	settings, err := quickfix.ParseSettings(strings.NewReader(rest.String()))
	if err != nil {
		return cfg, fmt.Errorf("fix: %s: %w: %w", name, ErrConfig, err)
	}
	cfg.Settings = settings
	if _, _, err := cfg.session(); err != nil {
		return cfg, fmt.Errorf("fix: %s: %w", name, err)
	}
	return cfg, nil
}

// setting takes a line of a section, if it is a symbol, and checks it otherwise: quickfix has
// a panic for one before the first section.
func (c *Config) setting(section, text string) error {
	switch {
	case text == "" || text[0] == '#':
		return nil
	case text[0] == '[':
		return fmt.Errorf("%w: %.60q is no section; there are [DEFAULT], [SESSION] and [SYMBOLS]", ErrConfig, text)
	case section == "":
		return fmt.Errorf("%w: %.60q stands before the first section, which is [DEFAULT] or [SESSION]", ErrConfig, text)
	case section == "SYMBOLS":
		return c.addSymbol(text)
	case !strings.Contains(text, "="):
		return fmt.Errorf("%w: %.60q is not Name=Value", ErrConfig, text)
	}
	return nil
}

func (c *Config) addSymbol(text string) error {
	left, symbol, _ := strings.Cut(text, "=")
	id, err := strconv.ParseUint(strings.TrimSpace(left), 10, 32)
	symbol = strings.TrimSpace(symbol)
	switch {
	case err != nil || symbol == "":
		return fmt.Errorf("%w: %.60q is not SecurityID=Symbol", ErrConfig, text)
	case strings.ContainsRune(symbol, '\x01'):
		return fmt.Errorf("%w: symbol %q has a byte 1, which ends a field", ErrConfig, symbol)
	case c.Symbols[uint32(id)] != "":
		return fmt.Errorf("%w: instrument %d has two symbols", ErrConfig, id)
	}
	c.Symbols[uint32(id)] = symbol
	return nil
}

// session returns the one session of the settings.
func (c *Config) session() (quickfix.SessionID, *quickfix.SessionSettings, error) {
	var id quickfix.SessionID
	if c.Settings == nil {
		return id, nil, fmt.Errorf("%w: no settings", ErrConfig)
	}
	all := c.Settings.SessionSettings()
	if len(all) != 1 {
		return id, nil, fmt.Errorf("%w: %d sessions where one is wanted", ErrConfig, len(all))
	}
	if len(c.Symbols) == 0 {
		return id, nil, fmt.Errorf("%w: no instrument has a symbol; add a section [SYMBOLS] with lines SecurityID=Symbol", ErrConfig)
	}
	for id, s := range all {
		if id.BeginString != quickfix.BeginStringFIX44 {
			return id, s, fmt.Errorf("%w: BeginString is %s, and FIX.4.4 is what is spoken here", ErrConfig, id.BeginString)
		}
		if kind, err := s.Setting("ConnectionType"); err == nil && kind != "initiator" {
			return id, s, fmt.Errorf("%w: ConnectionType is %s; only an initiator sends orders", ErrConfig, kind)
		}
		wanted := []string{config.SenderCompID, config.TargetCompID, config.SocketConnectHost, config.SocketConnectPort, config.HeartBtInt}
		if c.Store == nil {
			wanted = append(wanted, config.FileStorePath)
		}
		for _, name := range wanted {
			if !s.HasSetting(name) {
				return id, s, fmt.Errorf("%w: %s is not set", ErrConfig, name)
			}
		}
		if port, err := s.IntSetting(config.SocketConnectPort); err != nil || port < 1 || port > 1<<16-1 {
			return id, s, fmt.Errorf("%w: SocketConnectPort is not a number from 1 to 65535", ErrConfig)
		}
		return id, s, nil
	}
	return id, nil, nil
}
