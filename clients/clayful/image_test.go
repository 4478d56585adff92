package clayful_test

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func TestUploadIsAFormSentOnce(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("picture"), 1000)
	var calls atomic.Int32
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		file, head, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		sent, _ := io.ReadAll(file)
		switch {
		case r.ContentLength < int64(len(content)), !bytes.Equal(sent, content), head.Filename != "k-1.png",
			head.Header.Get("Content-Type") != "image/png", r.FormValue("model") != "Customer", r.FormValue("application") != "avatar",
			r.Header.Get("Authorization-Customer") != "token":
			w.WriteHeader(http.StatusTeapot)
		case r.Method == http.MethodPut:
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"_id":"I","url":"https://cdn/I/v1/k-1.png","createdAt":"2026-01-01T00:00:00.000Z"}`)
		}
	})
	upload := clayful.Upload{
		Model: "Customer", Application: "avatar", Name: "k-1.png", ContentType: "image/png",
		Content: bytes.NewReader(content), Size: int64(len(content)),
	}
	image, err := client.AddOwnImage(t.Context(), "token", upload)
	require.NoError(t, err)
	require.Equal(t, "I", image.ID)
	require.Equal(t, "https://cdn/I/v1/k-1.png", image.URL)
	_, err = client.ReplaceOwnImage(t.Context(), "token", "I", upload)
	require.True(t, clayful.IsUnavailable(err))
	require.EqualValues(t, 2, calls.Load())
}

func TestReviewsKeepTheirGaps(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("fields") != "product" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, `[{"_id":"R1","product":{"_id":"P1","name":"p"}},{"_id":"R2","product":"P2"},{"_id":"R3","product":null}]`)
	})
	products, err := client.ReviewedProducts(t.Context(), []string{"R1", "R2", "R3", "R4"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"R1": "P1", "R2": "P2", "R3": ""}, products)
	none, err := client.ReviewedProducts(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
	review := clayful.Review{Images: []clayful.Image{{ID: "I1"}, {}, {ID: "I2"}}}
	require.Equal(t, []string{"I1", "I2"}, review.ImageIDs())
}
