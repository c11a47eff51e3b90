package libcni

import (
	"bytes"
	"encoding/json"
)

// marshal is [json.Marshal] without the escapes of HTML, which would change what configurations say.
func marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
