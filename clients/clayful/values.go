package clayful

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Clayful shows the same value plain in raw documents and as an object in
// formatted ones. These types read both.

// Num is a number, plain or {"raw": …}; null is 0.
type Num float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Num) UnmarshalJSON(data []byte) error {
	raw, err := rawOf(data)
	if err != nil || raw == nil {
		*n = 0
		return err
	}
	return json.Unmarshal(raw, (*float64)(n))
}

// Time is an instant, an ISO string or {"raw": …}; null is the zero time.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(data []byte) error {
	raw, err := rawOf(data)
	if err != nil || raw == nil {
		t.Time = time.Time{}
		return err
	}
	return json.Unmarshal(raw, &t.Time)
}

// Ref is a reference to a document: its id, or an object with _id; null is "".
type Ref string

// UnmarshalJSON implements json.Unmarshaler.
func (r *Ref) UnmarshalJSON(data []byte) error {
	id, _, err := idAndURL(data)
	*r = Ref(id)
	return err
}

// Image is a reference to an image. URL is known in formatted documents only.
type Image struct{ ID, URL string }

// UnmarshalJSON implements json.Unmarshaler.
func (i *Image) UnmarshalJSON(data []byte) (err error) {
	i.ID, i.URL, err = idAndURL(data)
	return err
}

// Text is a string, perhaps per language ({"ko": …}); null is "".
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(data []byte) error {
	if first(data) != '{' {
		return json.Unmarshal(data, (*string)(t))
	}
	var languages map[string]*string
	if err := json.Unmarshal(data, &languages); err != nil {
		return err
	}
	if ko := languages["ko"]; ko != nil {
		*t = Text(*ko)
	}
	return nil
}

func rawOf(data []byte) (json.RawMessage, error) {
	if first(data) == '{' {
		var object struct {
			Raw json.RawMessage `json:"raw"`
		}
		if err := json.Unmarshal(data, &object); err != nil {
			return nil, err
		}
		data = object.Raw
	}
	if len(data) == 0 || bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil, nil
	}
	return data, nil
}

func idAndURL(data []byte) (id, url string, err error) {
	switch first(data) {
	case '"':
		err = json.Unmarshal(data, &id)
	case '{':
		var object struct {
			ID  *string `json:"_id"`
			URL *string `json:"url"`
		}
		err = json.Unmarshal(data, &object)
		if object.ID != nil {
			id = *object.ID
		}
		if object.URL != nil {
			url = *object.URL
		}
	case 'n':
	default:
		err = fmt.Errorf("%.20s is no reference", data)
	}
	return id, url, err
}

func first(data []byte) byte {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return 0
	}
	return data[0]
}

// MetaString is a string in meta, "" when absent or of another kind.
func (c *Customer) MetaString(field string) string {
	var s string
	_ = json.Unmarshal(c.Meta[field], &s) // of another kind: ""
	return s
}

// MetaStrings is a list in meta; elements that are no strings are passed over.
func (c *Customer) MetaStrings(field string) []string {
	var elements []any
	_ = json.Unmarshal(c.Meta[field], &elements) // of another kind: empty
	list := make([]string, 0, len(elements))
	for _, element := range elements {
		switch e := element.(type) {
		case string:
			list = append(list, e)
		case float64:
			list = append(list, strconv.FormatFloat(e, 'f', -1, 64))
		}
	}
	return list
}

// MetaInt is a whole number in meta, 0 when absent or of another kind.
func (c *Customer) MetaInt(field string) int {
	var n Num
	_ = json.Unmarshal(c.Meta[field], &n) // of another kind: 0
	return int(n)
}

// MetaFalse tells whether a field of meta is false; absent is not false.
func (c *Customer) MetaFalse(field string) bool {
	return bytes.Equal(bytes.TrimSpace(c.Meta[field]), []byte("false"))
}

// MetaTrue tells whether a field of meta is true; absent is not true.
func (c *Customer) MetaTrue(field string) bool {
	return bytes.Equal(bytes.TrimSpace(c.Meta[field]), []byte("true"))
}
