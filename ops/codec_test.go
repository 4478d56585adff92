package ops

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/byeolshow/byeolshow/workflows"
)

const (
	token  = "a token of the operators"
	origin = "https://temporal.example"
)

func codecServer(t *testing.T) (string, converter.DataConverter) {
	t.Helper()
	keys := []workflows.SealKey{{ID: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}}
	codec, err := workflows.NewSealCodec(keys)
	require.NoError(t, err)
	sealed, err := workflows.NewDataConverter(keys)
	require.NoError(t, err)
	server := httptest.NewServer(NewCodecHandler(CodecConfig{Codec: codec, Token: token, Origins: []string{origin}, Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	return server.URL, sealed
}

// answer is what a request brought.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       []byte
}

func send(t *testing.T, method, url string, body []byte, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, text}
}

func TestCodecOpensWhatIsSealedForWhoMay(t *testing.T) {
	t.Parallel()
	url, sealed := codecServer(t)
	payloads, err := sealed.ToPayloads(workflows.Resolution{By: "kim", Reason: "called Ms. Lee"})
	require.NoError(t, err)
	require.NotContains(t, payloads.String(), "Lee")
	body, err := protojson.Marshal(payloads)
	require.NoError(t, err)
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth("kim", token)
	for name, c := range map[string]struct {
		method, path, authorization, origin string
		status                              int
	}{
		"bearer":            {"POST", "/codec/decode", "Bearer " + token, origin, 200},
		"password":          {"POST", "/codec/decode", basic.Header.Get("Authorization"), origin, 200},
		"the CLI":           {"POST", "/codec/decode", "Bearer " + token, "", 200},
		"no token":          {"POST", "/codec/decode", "", origin, 401},
		"another token":     {"POST", "/codec/decode", "Bearer " + token + "x", origin, 401},
		"an empty token":    {"POST", "/codec/decode", "Bearer ", origin, 401},
		"another page":      {"POST", "/codec/decode", "Bearer " + token, "https://evil.example", 403},
		"sealing":           {"POST", "/codec/encode", "Bearer " + token, origin, 404},
		"reading":           {"GET", "/codec/decode", "Bearer " + token, origin, 405},
		"the page":          {"GET", "/codec/", "Bearer " + token, "", 200},
		"the page, unasked": {"GET", "/codec/", "", "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			headers := []string{"Authorization", c.authorization, "Content-Type", "application/json", "X-Namespace", "default"}
			if c.origin != "" {
				headers = append(headers, "Origin", c.origin)
			}
			got := send(t, c.method, url+c.path, body, headers...)
			require.Equal(t, c.status, got.StatusCode)
			if c.status == 401 {
				require.True(t, strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic "))
			}
			if c.status != 200 || c.method != "POST" {
				return
			}
			require.Equal(t, c.origin, got.Header.Get("Access-Control-Allow-Origin"))
			var opened commonpb.Payloads
			require.NoError(t, protojson.Unmarshal(got.Body, &opened))
			var resolution workflows.Resolution
			require.NoError(t, json.Unmarshal(opened.GetPayloads()[0].GetData(), &resolution))
			require.Equal(t, "called Ms. Lee", resolution.Reason)
		})
	}
}

func TestCodecAnswersTheBrowsersQuestion(t *testing.T) {
	t.Parallel()
	url, _ := codecServer(t)
	got := send(t, "OPTIONS", url+"/codec/decode", nil, "Origin", origin, "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "content-type,x-namespace,authorization")
	require.Equal(t, 204, got.StatusCode)
	require.Equal(t, origin, got.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", got.Header.Get("Access-Control-Allow-Credentials"))
	for _, header := range []string{"Authorization", "Content-Type", "X-Namespace"} {
		require.Contains(t, got.Header.Get("Access-Control-Allow-Headers"), header)
	}
	got = send(t, "OPTIONS", url+"/codec/decode", nil, "Origin", "https://evil.example")
	require.Equal(t, 403, got.StatusCode)
	require.Empty(t, got.Header.Get("Access-Control-Allow-Origin"))
}
