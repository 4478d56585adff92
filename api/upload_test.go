package api

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

const tinyWebP = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"

// pngHead is the head of a PNG of that size, without pixels.
func pngHead(width, height uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	head = append(binary.BigEndian.AppendUint32(head, height), 8, 6, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(file, head...), crc32.ChecksumIEEE(head))
}

func drawn(t testing.TB, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, encode(&file, image.NewGray(image.Rect(0, 0, 3, 2))))
	return file.Bytes()
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	webp, err := base64.StdEncoding.DecodeString(tinyWebP)
	require.NoError(t, err)
	return map[string][]byte{
		"image/png":  drawn(t, png.Encode),
		"image/jpeg": drawn(t, func(w io.Writer, i image.Image) error { return jpeg.Encode(w, i, nil) }),
		"image/webp": webp,
		"":           drawn(t, func(w io.Writer, i image.Image) error { return gif.Encode(w, i, nil) }),
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for contentType, file := range samples(t) {
		got, _, err := sniff(bytes.NewReader(file))
		require.Equal(t, contentType, got)
		require.Equal(t, contentType == "", err != nil)
	}
	for size, want := range map[[2]uint32]bool{
		{1, 1}: true, {10_000, 5_000}: true, {10_000, 5_001}: false, {30_000, 30_000}: false, {1 << 30, 1 << 30}: false, {0, 1}: false,
	} {
		_, _, err := sniff(bytes.NewReader(pngHead(size[0], size[1])))
		require.Equal(t, want, err == nil, size)
	}
}

func FuzzSniff(f *testing.F) {
	for _, file := range samples(f) {
		f.Add(file)
	}
	f.Add(pngHead(30_000, 30_000))
	f.Fuzz(func(t *testing.T, file []byte) {
		contentType, suffix, err := sniff(bytes.NewReader(file))
		if err != nil {
			var refused *refusal
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NotEmpty(t, suffix)
		require.Contains(t, []string{"image/png", "image/jpeg", "image/webp"}, contentType)
		config, _, err := image.DecodeConfig(bytes.NewReader(file))
		require.NoError(t, err)
		require.LessOrEqual(t, config.Width*config.Height, maxPixels)
	})
}

// formOf is a form with one file, made as it is read.
func formOf(file io.Reader) *http.Request {
	body, into := io.Pipe()
	form := multipart.NewWriter(into)
	go func() {
		part, err := form.CreateFormFile("file", "x.png")
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil {
			err = form.Close()
		}
		into.CloseWithError(err)
	}()
	r := httptest.NewRequest(http.MethodPost, "/images/", body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return r
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestUploadsAreHeldOnDisk reads images of nearly 10 MiB and of more: memory does
// not grow with them.
func TestUploadsAreHeldOnDisk(t *testing.T) { // by itself: it measures the process
	read := func(size int64) error {
		file := io.MultiReader(bytes.NewReader(pngHead(100, 100)), io.LimitReader(zeros{}, size))
		u, err := readUpload(httptest.NewRecorder(), formOf(file), "file", 1)
		if err == nil {
			require.Equal(t, size+33, u.pictures[0].size)
			u.close()
		}
		return err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 4 {
		require.NoError(t, read(10<<20-33))
		require.ErrorIs(t, read(10<<20), errTooBig)
		require.ErrorIs(t, read(70<<20), errTooBig)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20), "less than one of twelve images")
}

func TestUploadsAreRefused(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*http.Request{
		"no form":    httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte("{}"))),
		"no end":     httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"))),
		"no image":   formOf(bytes.NewReader(nil)),
		"other form": httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(nil)),
	} {
		switch name {
		case "no end":
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		case "other form":
			r.Header.Set("Content-Type", "multipart/mixed; boundary=x")
		}
		_, err := readUpload(httptest.NewRecorder(), r, "file", 1)
		require.Equal(t, http.StatusBadRequest, refusalOf(err).Status, name)
	}
}
