package bifocal

import (
	"fmt"
	"strings"
)

type level uint32

// In the order of the contract's cases.
const (
	levelTrace level = iota
	levelDebug
	levelInfo
	levelWarn
	levelError
)

func (l level) String() string { return [...]string{"trace", "debug", "info", "warn", "error"}[l] }

func logLine(l level, message string) { hostLog(l, strings.ToValidUTF8(message, "\uFFFD")) }

// Debugf writes a line to the host's log. Lines never change a result; natively they go to standard error.
func Debugf(format string, arguments ...any) { logLine(levelDebug, fmt.Sprintf(format, arguments...)) }

// Infof writes a line to the host's log.
func Infof(format string, arguments ...any) { logLine(levelInfo, fmt.Sprintf(format, arguments...)) }

// Warnf writes a line to the host's log.
func Warnf(format string, arguments ...any) { logLine(levelWarn, fmt.Sprintf(format, arguments...)) }

// Errorf writes a line to the host's log.
func Errorf(format string, arguments ...any) { logLine(levelError, fmt.Sprintf(format, arguments...)) }
