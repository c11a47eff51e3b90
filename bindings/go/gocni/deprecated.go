package cni

import "sync"

// CNIOpt is the older name of [Opt].
//
// Deprecated: use [Opt].
type CNIOpt = Opt

// CNIResult is the older name of [Result].
//
// Deprecated: use [Result].
type CNIResult = Result

// RWMutex is there because go-cni has the name.
//
// Deprecated: use [sync.RWMutex].
type RWMutex = sync.RWMutex
