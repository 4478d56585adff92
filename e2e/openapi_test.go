package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
)

// contract checks every answer of the API that any test gets against the
// OpenAPI document which the API serves.
type contract struct {
	api       string // host and port
	through   http.RoundTripper
	validator validator.Validator

	mu       sync.Mutex
	breaches []string
}

// enforceContract has all HTTP clients of the tests check what the API answers.
func enforceContract(api string) (*contract, error) {
	response, err := http.Get("http://" + api + "/openapi.json")
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	c := &contract{api: api, through: http.DefaultTransport}
	var faults []error
	if c.validator, faults = validator.NewValidator(document, config.WithFormatAssertions()); len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	http.DefaultTransport = c
	return c, nil
}

// RoundTrip implements http.RoundTripper.
func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.through.RoundTrip(r)
	if err != nil || r.URL.Host != c.api || response.StatusCode == http.StatusSwitchingProtocols {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := c.check(r, response, body); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		breach := fmt.Errorf("%s %s answered against its contract: %w\n%d %.2000s", r.Method, r.URL.Path, err, response.StatusCode, body)
		c.breaches = append(c.breaches, breach.Error())
		return nil, breach
	}
	return response, nil
}

// check compares an answer with what the document has for it.
func (c *contract) check(r *http.Request, response *http.Response, body []byte) error {
	if response.Header.Get("Cache-Control") != "no-store" {
		return errors.New("may be stored")
	}
	asked := *r
	url := *r.URL
	asked.URL = &url
	if len(url.Path) > 1 { // the document has every path without its final slash
		url.Path, url.RawPath = strings.TrimSuffix(url.Path, "/"), strings.TrimSuffix(url.RawPath, "/")
	}
	shown := *response
	shown.Body = io.NopCloser(bytes.NewReader(body))
	ok, faults := c.validator.ValidateHttpResponse(&asked, &shown)
	if ok {
		return nil
	}
	var all []error
	for _, fault := range faults {
		switch {
		case fault.IsPathMissingError():
			return unheardOf(response, http.StatusNotFound, body)
		case fault.IsOperationMissingError():
			return unheardOf(response, http.StatusMethodNotAllowed, body)
		}
		all = append(all, errors.New(fault.Reason))
		for _, detail := range fault.SchemaValidationErrors {
			all = append(all, fmt.Errorf("%s: %s (%s)", detail.FieldPath, detail.Reason, detail.KeywordLocation))
		}
	}
	return errors.Join(all...)
}

// unheardOf checks the answer to a call that the document does not have.
func unheardOf(response *http.Response, status int, body []byte) error {
	var refused struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &refused); err != nil || refused.Error.Message == "" || response.StatusCode != status {
		return fmt.Errorf("not in the document, so it should be a wrapped %d", status)
	}
	return nil
}
