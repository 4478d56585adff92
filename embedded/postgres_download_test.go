package embedded_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded"
)

// repository serves an archive as Maven does, with its checksum as given.
func repository(t *testing.T, checksum func([]byte) string) string {
	t.Helper()
	programs, err := os.ReadFile(filepath.Join("testdata", "postgres.txz"))
	require.NoError(t, err)
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	file, err := archive.Create("postgres-linux.txz")
	require.NoError(t, err)
	_, err = file.Write(programs)
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			_, _ = w.Write([]byte(checksum(jar.Bytes())))
			return
		}
		_, _ = w.Write(jar.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPostgresIsDownloaded(t *testing.T) {
	t.Parallel()
	right := func(jar []byte) string { sum := sha256.Sum256(jar); return hex.EncodeToString(sum[:]) }
	for name, c := range map[string]struct{ repository, refusal string }{
		"from a repository":         {repository(t, right), ""},
		"with another's checksum":   {repository(t, func([]byte) string { return "00" }), "checksums do not match"},
		"without a network":         {"http://127.0.0.1:1", "install it"},
		"from a place without them": {httptest.NewServer(http.NotFoundHandler()).URL, "set DATABASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			into := filepath.Join(t.TempDir(), "programs")
			var said []string
			say := func(text string) { said = append(said, text) }
			bin, err := embedded.DownloadPostgres(t.Context(), into, c.repository, say)
			require.Contains(t, said[0], "downloading")
			if c.refusal != "" {
				require.ErrorContains(t, err, c.refusal)
				return
			}
			require.NoError(t, err)
			require.FileExists(t, filepath.Join(bin, "initdb"))
			said = nil
			again, err := embedded.DownloadPostgres(t.Context(), into, "http://127.0.0.1:1", say)
			require.NoError(t, err)
			require.Equal(t, bin, again)
			require.Empty(t, said)
		})
	}
}
