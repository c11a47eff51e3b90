package libcni

func enterSandbox() bool { return false }
