// Package libcni runs the plugins of the Container Network Interface (CNI).
//
// It is a drop-in for github.com/containernetworking/cni/libcni, "the original": the same names with the same
// types, so that changing the import line is all that a program does. Types are aliases of the original's, so
// values pass freely between code that uses either package; configuration files are read by the original itself.
// Running plugins and remembering attachments is done by libcni.so, through cgo.
//
// # What is better
//
// A deadline or a cancellation ends the plugin and everything in its process group, and the call returns, whatever
// the plugin's children do. The bytes of a [PluginConfig] reach the plugin exactly as they are. The files under /var/lib/cni keep
// their place and format, but are written atomically, and operations on one attachment wait for each other, also
// across processes. Errors know the plugin, its exit code and what it wrote to stderr: see [Error].
//
// # Networks
//
// A runtime attaches containers to all networks of its node. [Networks] does that: it loads a directory, attaches and
// detaches containers, adds results up, and notices changes.
//
// # Linking
//
// By default libcni.so is found with pkg-config. With the build tag libcni_static libcni.a becomes part of the
// program. With libcni_dev the library comes from target/release of the source tree that this package is in.
//
// # Memory and threads
//
// A [CNIConfig] may be used by any number of goroutines at once. A call blocks its goroutine and one operating
// system thread until it is over; plugins inherit that thread's namespaces, so that [runtime.LockOSThread] and
// setns work as they do with the original. No goroutine outlives a call. [CNIConfig.Close] frees what the library
// holds at once; who does not call it leaves that to the garbage collector.
package libcni
