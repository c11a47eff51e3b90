// Package upstream holds the test that runs the original's own tests on this package.
package upstream
