package api

import (
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registered with image.DecodeConfig
	_ "image/png"  // registered with image.DecodeConfig
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	_ "golang.org/x/image/webp" // registered with image.DecodeConfig
)

// Bounds of an upload.
const (
	maxImage     = 10 << 20   // bytes
	maxPixels    = 50_000_000 // width × height
	maxText      = 64 << 10   // bytes of one field
	mostParts    = 64
	uploadWithin = 2 * time.Minute
)

// imageFormats are the image formats taken, by the name image.DecodeConfig gives
// them.
var imageFormats = map[string]struct{ contentType, suffix string }{
	"jpeg": {"image/jpeg", ".jpg"}, "png": {"image/png", ".png"}, "webp": {"image/webp", ".webp"},
}

// limitUploads counts a customer's uploads together, on whatever route.
func (a *api) limitUploads() func(http.Handler) http.Handler {
	limit := a.limit(a.Limits.UploadPerMinute, time.Minute, perCustomer)
	return func(next http.Handler) http.Handler {
		limited := limit(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isMultipart(r) {
				limited.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func isMultipart(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data")
}

// picture is an image somebody sent, on disk. What it is was found in its
// content alone.
type picture struct {
	file                *os.File
	size                int64
	contentType, suffix string
}

// upload is a multipart request: its texts, and the images of one field.
type upload struct {
	texts    map[string]string
	pictures []*picture
}

// close removes what was kept on disk.
func (u *upload) close() {
	for _, p := range u.pictures {
		_ = p.file.Close() // its name is gone already
	}
}

var errTooBig = refuse(http.StatusRequestEntityTooLarge, "요청이 너무 큽니다")

// readUpload reads a multipart request whose field of that name holds so many
// images at most. Images go to disk as they come, so that memory does not grow
// with them. A request that is refused is read to its end, within its bounds,
// for most callers hear an answer only then.
func readUpload(w http.ResponseWriter, r *http.Request, field string, most int) (*upload, error) {
	connection := http.NewResponseController(w) // of a test it may have no deadlines
	_ = connection.SetReadDeadline(time.Now().Add(uploadWithin))
	defer func() { _ = connection.SetReadDeadline(time.Time{}) }()
	u := &upload{texts: map[string]string{}}
	err := u.read(r, field, most)
	if err == nil {
		return u, nil
	}
	u.close()
	if _, restErr := io.Copy(io.Discard, r.Body); errTooLarge(restErr) {
		err = errTooBig
	}
	return nil, err
}

func (u *upload) read(r *http.Request, field string, most int) error {
	if !isMultipart(r) {
		return bad("body is not multipart/form-data")
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return bad("body is not the form expected")
	}
	for range mostParts {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			err = u.take(part, field, most)
		}
		var refused *refusal
		switch {
		case errTooLarge(err):
			return errTooBig
		case err != nil && !errors.As(err, &refused) && !errors.Is(err, errDisk):
			return bad("body could not be read")
		case err != nil:
			return err
		}
	}
	return bad("body has too many parts")
}

func (u *upload) take(part *multipart.Part, field string, most int) error {
	switch {
	case part.FileName() == "":
		text, err := io.ReadAll(io.LimitReader(part, maxText+1))
		if err != nil {
			return err
		}
		if len(text) > maxText {
			return errTooBig
		}
		if !utf8.Valid(text) || strings.ContainsRune(string(text), 0) {
			return bad("a field is not UTF-8")
		}
		u.texts[part.FormName()] = string(text)
		return nil
	case part.FormName() != field:
		return nil // unknown keys are passed over
	case len(u.pictures) == most:
		return bad("there are too many images")
	}
	p, err := keepPicture(part)
	if err != nil {
		return err
	}
	u.pictures = append(u.pictures, p)
	return nil
}

// errDisk marks an error as our own disk's.
var errDisk = errors.New("temporary file")

// keepPicture writes an image to a file that has no name, and looks what it is.
func keepPicture(content io.Reader) (_ *picture, err error) {
	file, err := os.CreateTemp("", "byeolshow-upload-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDisk, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close() // the first error counts
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return nil, fmt.Errorf("%w: %w", errDisk, err)
	}
	p := &picture{file: file}
	if p.size, err = io.Copy(file, io.LimitReader(content, maxImage+1)); err != nil {
		var disk *os.PathError
		if errors.As(err, &disk) {
			return nil, fmt.Errorf("%w: %w", errDisk, err)
		}
		return nil, err
	}
	if p.size > maxImage {
		return nil, errTooBig
	}
	p.contentType, p.suffix, err = sniff(io.NewSectionReader(file, 0, p.size))
	return p, err
}

// sniff tells what image a file is, by its content. Only the head is read: how
// many pixels there are is known, and refused, before any is decoded.
func sniff(content io.Reader) (contentType, suffix string, err error) {
	config, name, err := image.DecodeConfig(content)
	format, known := imageFormats[name]
	switch {
	case err != nil || !known:
		return "", "", bad("an image is not JPEG, PNG or WebP")
	case config.Width <= 0 || config.Height <= 0:
		return "", "", bad("an image is empty")
	case int64(config.Width)*int64(config.Height) > maxPixels:
		return "", "", bad("an image has too many pixels")
	}
	return format.contentType, format.suffix, nil
}
