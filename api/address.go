package api

import (
	"encoding/json"
)

// addresses are a customer's, as the shop keeps them.
type addresses struct {
	Primary     map[string]any   `json:"primary"`
	Secondaries []map[string]any `json:"secondaries"`
}

// readAddresses reads what a caller says, null or nothing included.
func readAddresses(raw json.RawMessage) (addresses, error) {
	var read addresses
	if len(raw) == 0 {
		return read, nil
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		return read, bad("address has the wrong type")
	}
	return read, nil
}

// text is a string inside the primary address, "" when there is none.
func (a addresses) text(path ...string) string {
	at := a.Primary
	for _, name := range path[:len(path)-1] {
		at, _ = at[name].(map[string]any)
	}
	text, _ := at[path[len(path)-1]].(string)
	return text
}

// fields are the addresses as the shop takes them: countries by their codes.
// Secondaries that are not told stay as they were.
func (a addresses) fields(before []map[string]any) map[string]any {
	if a.Secondaries == nil {
		a.Secondaries = before
	}
	all := append([]map[string]any{a.Primary}, a.Secondaries...)
	for _, address := range all {
		if country := object(address, "country"); country != nil {
			address["country"] = country["code"]
		}
	}
	return map[string]any{"primary": a.Primary, "secondaries": all[1:]}
}

// noAddress is shown when there is none.
func noAddress() map[string]any {
	primary := map[string]any{"name": map[string]string{"first": "", "last": "", "full": ""}}
	for _, field := range []string{"mobile", "phone", "country", "state", "city", "address1", "address2", "postcode", "company"} {
		primary[field] = ""
	}
	return map[string]any{"primary": primary}
}
