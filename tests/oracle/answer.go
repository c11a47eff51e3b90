package main

import (
	"errors"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"
)

// answer is what became of a request.
type answer struct {
	// Value is the operation's own; null when it returns nothing.
	Value interface{} `json:"value"`
	Error *failure    `json:"error,omitempty"`
	Panic string      `json:"panic,omitempty"`
	// Stderr is what successful plugins wrote there.
	Stderr string `json:"stderr,omitempty"`
}

type failure struct {
	Text string `json:"text"`
	// Loading tells that the configuration was refused before the operation began.
	Loading bool `json:"loading,omitempty"`
	// Typed tells that there is a types.Error in the chain, which the rest is from.
	Typed   bool   `json:"typed,omitempty"`
	Code    uint64 `json:"code"`
	Msg     string `json:"msg,omitempty"`
	Details string `json:"details,omitempty"`
}

func failed(err error) *failure {
	f := &failure{Text: err.Error()}
	var typed *types.Error
	if errors.As(err, &typed) {
		f.Typed = true
		f.Code, f.Msg, f.Details = uint64(typed.Code), typed.Msg, typed.Details
	}
	return f
}

func answerTo(req *request) (a answer) {
	stderr, err := captureStderr()
	if err != nil {
		return answer{Panic: fmt.Sprintf("the oracle itself: %v", err)}
	}
	defer func() {
		if reason := recover(); reason != nil {
			a = answer{Panic: fmt.Sprint(reason)}
		}
		a.Stderr = stderr()
	}()
	value, err := run(req)
	if err != nil {
		a.Error = failed(err)
		var l loadError
		a.Error.Loading = errors.As(err, &l)
		return a
	}
	a.Value = value
	return a
}

// loadError marks an error of loading; its text is the error's own.
type loadError struct{ error }

func (e loadError) Unwrap() error { return e.error }
