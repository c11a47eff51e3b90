package libcni

import original "github.com/containernetworking/cni/libcni"

// CNICacheV1 is the kind of the files in which attachments are remembered.
const CNICacheV1 = original.CNICacheV1

var (
	// CacheDir is where attachments are remembered when neither the [CNIConfig] nor the [RuntimeConf] says so.
	CacheDir = "/var/lib/cni"

	// ErrorCheckNotSupp is what [errors.Is] finds when a configuration is older than the CHECK command. It is the
	// original's value.
	ErrorCheckNotSupp = original.ErrorCheckNotSupp
)

// The data model is the original's.
type (
	// CNI is what a runtime does with networks; [CNIConfig] implements it.
	CNI = original.CNI

	// RuntimeConf is what a runtime says of one container for one call.
	RuntimeConf = original.RuntimeConf

	// PluginConfig is the configuration of one plugin: parsed, and as it was read.
	PluginConfig = original.PluginConfig

	// NetworkConfig is the older name of [PluginConfig].
	NetworkConfig = original.PluginConfig

	// NetworkConfigList is a network: a list of plugins.
	NetworkConfigList = original.NetworkConfigList

	// NetworkAttachment is an attachment as it is remembered.
	NetworkAttachment = original.NetworkAttachment

	// GCArgs says which attachments of a network are still valid.
	GCArgs = original.GCArgs

	// NotFoundError tells that a directory has no network of that name.
	NotFoundError = original.NotFoundError

	// NoConfigsFoundError tells that a directory has no network at all.
	NoConfigsFoundError = original.NoConfigsFoundError
)

// NetworkPluginConfFromBytes reads the configuration of one plugin.
func NetworkPluginConfFromBytes(pluginConfBytes []byte) (*PluginConfig, error) {
	return original.NetworkPluginConfFromBytes(pluginConfBytes)
}

// NetworkPluginConfsFromFiles reads the drop-in plugins of a network: networkConfPath/networkName/*.conf.
func NetworkPluginConfsFromFiles(networkConfPath, networkName string) ([]*PluginConfig, error) {
	return original.NetworkPluginConfsFromFiles(networkConfPath, networkName)
}

// NetworkConfFromBytes reads a network. Bytes have no directory, so drop-in plugins are not looked for.
func NetworkConfFromBytes(confBytes []byte) (*NetworkConfigList, error) {
	return original.NetworkConfFromBytes(confBytes)
}

// NetworkConfFromFile reads a network from a file, with its drop-in plugins.
func NetworkConfFromFile(filename string) (*NetworkConfigList, error) {
	return original.NetworkConfFromFile(filename)
}

// ConfFromBytes reads the configuration of one plugin.
//
// Deprecated: use [NetworkPluginConfFromBytes].
func ConfFromBytes(bytes []byte) (*NetworkConfig, error) {
	return original.NetworkPluginConfFromBytes(bytes)
}

// ConfFromFile reads the configuration of one plugin from a file.
//
// Deprecated: put the plugin into a network and use [NetworkConfFromFile].
func ConfFromFile(filename string) (*NetworkConfig, error) {
	return original.ConfFromFile(filename)
}

// ConfListFromBytes is the older name of [NetworkConfFromBytes].
func ConfListFromBytes(bytes []byte) (*NetworkConfigList, error) {
	return original.NetworkConfFromBytes(bytes)
}

// ConfListFromFile is the older name of [NetworkConfFromFile].
func ConfListFromFile(filename string) (*NetworkConfigList, error) {
	return original.NetworkConfFromFile(filename)
}

// ConfFiles lists the files of a directory that have one of the extensions.
func ConfFiles(dir string, extensions []string) ([]string, error) {
	return original.ConfFiles(dir, extensions)
}

// LoadConf looks for the configuration of one plugin by its name in the .conf and .json files of a directory.
//
// Deprecated: use [LoadNetworkConf].
func LoadConf(dir, name string) (*NetworkConfig, error) {
	return original.LoadConf(dir, name)
}

// LoadConfList is the older name of [LoadNetworkConf].
func LoadConfList(dir, name string) (*NetworkConfigList, error) {
	return original.LoadNetworkConf(dir, name)
}

// LoadNetworkConf looks for a network by its name in the files of a directory: first .conflist, then .conf and
// .json.
func LoadNetworkConf(dir, name string) (*NetworkConfigList, error) {
	return original.LoadNetworkConf(dir, name)
}

// InjectConf puts values into the configuration of one plugin.
func InjectConf(conf *PluginConfig, newValues map[string]interface{}) (*PluginConfig, error) {
	return original.InjectConf(conf, newValues)
}

// ConfListFromConf makes a network of the configuration of one plugin.
//
// Deprecated: use [NetworkConfFromBytes] with a list.
func ConfListFromConf(conf *PluginConfig) (*NetworkConfigList, error) {
	return original.ConfListFromConf(conf)
}
