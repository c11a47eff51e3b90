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

// appendText appends a text as [marshal] makes it: most texts are plain, and need nothing but quotes.
func appendText(out []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			// A text is always marshalled.
			quoted, _ := marshal(text)
			return append(out, quoted...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}
