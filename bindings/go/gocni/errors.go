package cni

import (
	"errors"
	"fmt"
	"os"

	libcni "github.com/libcni/libcni/bindings/go"
)

// What [errors.Is] finds in the errors of this package. Those of the library ([*libcni.Error]) are in them, too.
var (
	// ErrCNINotInitialized: fewer networks are loaded than there must be, see [WithMinNetworkCount].
	ErrCNINotInitialized = errors.New("cni plugin not initialized")
	// ErrInvalidConfig: a configuration, or a setting, is wrong.
	ErrInvalidConfig = errors.New("invalid cni config")
	// ErrNotFound: nothing is remembered of the attachment that a check is about.
	ErrNotFound = errors.New("not found")
	// ErrRead: a file or the directory of configurations cannot be read.
	ErrRead = errors.New("failed to read config file")
	// ErrInvalidResult: a plugin succeeded with a result that is none.
	ErrInvalidResult = errors.New("invalid result")
	// ErrLoad: every failure of Load is one.
	ErrLoad = errors.New("failed to load cni config")
)

// IsCNINotInitialized tells whether err is an [ErrCNINotInitialized].
func IsCNINotInitialized(err error) bool { return errors.Is(err, ErrCNINotInitialized) }

// IsInvalidConfig tells whether err is an [ErrInvalidConfig].
func IsInvalidConfig(err error) bool { return errors.Is(err, ErrInvalidConfig) }

// IsNotFound tells whether err is an [ErrNotFound].
func IsNotFound(err error) bool { return errors.Is(err, ErrNotFound) }

// IsReadFailure tells whether err is an [ErrRead].
func IsReadFailure(err error) bool { return errors.Is(err, ErrRead) }

// IsInvalidResult tells whether err is an [ErrInvalidResult].
func IsInvalidResult(err error) bool { return errors.Is(err, ErrInvalidResult) }

// explained is an error of the library as one of this package.
func explained(err error) error {
	var known *libcni.Error
	if !errors.As(err, &known) {
		return err
	}
	kind := map[libcni.Status]error{
		libcni.StatusInvalidConfig: ErrInvalidConfig,
		libcni.StatusInvalidResult: ErrInvalidResult,
		libcni.StatusNotAdded:      ErrNotFound,
	}[known.Status]
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, kind)
}

// notLoaded is the error of a configuration that cannot be loaded. Of a file that cannot be opened it has the reason
// as package os tells it.
func notLoaded(err error) error {
	var known *libcni.Error
	if !errors.As(err, &known) || known.Status != libcni.StatusIO {
		return fmt.Errorf("%w: %w", err, ErrInvalidConfig)
	}
	file, reason := os.Open(known.Path)
	if reason == nil {
		file.Close()
		return fmt.Errorf("%w: %w", err, ErrRead)
	}
	return fmt.Errorf("%w: %w: %w", err, reason, ErrRead)
}
