package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decode reads a JSON object, of any method. Unknown keys are passed over; what
// is no object, no UTF-8 or of a wrong type is a bad request.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	switch {
	case errTooLarge(err):
		return refuse(http.StatusRequestEntityTooLarge, "요청이 너무 큽니다")
	case err != nil:
		return bad("body could not be read")
	}
	body = bytes.TrimSpace(body)
	if !utf8.Valid(body) {
		return bad("body is not UTF-8")
	}
	if len(body) == 0 || body[0] != '{' {
		return bad("body is not a JSON object")
	}
	if bytes.Contains(body, []byte(`\u0000`)) {
		return bad("body holds a NUL character")
	}
	if err := json.Unmarshal(body, into); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) && wrongType.Field != "" {
			return bad(wrongType.Field + " has the wrong type")
		}
		return bad("body is not the JSON expected")
	}
	return nil
}

func bad(detail string) *refusal {
	return &refusal{Status: http.StatusBadRequest, Message: errBadRequest.Message, Detail: detail}
}

// given is the value of a key that may be left out, but not be null.
type given[T any] struct {
	is    bool
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *given[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return errors.New("null stands where a value must")
	}
	g.is = true
	return json.Unmarshal(data, &g.value)
}

// flexID is a broadcast's id: a number, or a string that holds one.
type flexID int64

// UnmarshalJSON implements json.Unmarshaler.
func (id *flexID) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 1 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("%.30q is no id", text)
	}
	*id = flexID(n)
	return nil
}

// plainID is an id as the shop and Iamport make them.
var plainID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// page is ?page=, 1 when left out.
func page(r *http.Request) (int, error) {
	text := r.URL.Query().Get("page")
	if text == "" && !r.URL.Query().Has("page") {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, bad("page is not a positive integer")
	}
	return n, nil
}

// pageSize is the size of every paged list.
const pageSize = 120

// paged is one page of a list; past its end it is empty.
func paged[T any](list []T, page int) []T {
	if page > len(list)/pageSize+1 {
		return []T{}
	}
	start := min((page-1)*pageSize, len(list))
	return list[start:min(start+pageSize, len(list))]
}

// query is a parameter of the URL that must be there.
func query(r *http.Request, name string) (string, error) {
	value := r.URL.Query().Get(name)
	if value == "" || len(value) > 200 || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return "", bad(name + " is missing or unusable")
	}
	return value, nil
}
