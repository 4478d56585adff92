package clayful

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) imageRoutes() []route {
	return []route{
		{"GET", "/images", backend, s.list("images")},
		{"GET", "/images/count", backend, s.count("images")},
		{"POST", "/images", backend, s.createImage},
		{"GET", "/images/{image}", backend, s.getImage},
		{"PUT", "/images/{image}", backend, s.updateImage},
		{"DELETE", "/images/{image}", backend, s.deleteImage},
		{"GET", "/me/images", meOnly, s.list("images")},
		{"GET", "/me/images/count", meOnly, s.count("images")},
		{"POST", "/me/images", meOnly, s.createImage},
		{"GET", "/me/images/{image}", meOnly, s.getImage},
		{"PUT", "/me/images/{image}", meOnly, s.updateImage},
		{"DELETE", "/me/images/{image}", meOnly, s.deleteImage},
		{"POST", "/customers/{id}/images", backend, s.createImage},
		{"PUT", "/customers/{id}/images/{image}", backend, s.updateImage},
		{"DELETE", "/customers/{id}/images/{image}", backend, s.deleteImage},
	}
}

// imageFields are the fields of each model that show an image: the applications
// it can be made for.
var imageFields = map[string][]string{
	"Customer": {"avatar"}, "Review": {"images"}, "Product": {"thumbnail"}, "Variant": {"thumbnail"}, "Collection": {"thumbnail"},
	"Catalog": {"image", "items"}, "Brand": {"thumbnail", "logo"}, "Vendor": {"logo"}, "Coupon": {"thumbnail"}, "WishList": {},
}

// Bounds of an image.
const (
	maxImage     = 20 << 20 // bytes
	maxMultipart = maxImage + 1<<20
)

// imageForm is an image as a request sends it.
type imageForm struct {
	model, application, name, contentType string
	data                                  []byte
}

func readImage(c call) (imageForm, error) {
	var form imageForm
	parts, err := c.MultipartReader()
	if err != nil {
		return form, invalid("file")
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = form.take(part)
		}
		var refusal *apiError
		if err != nil && !errors.As(err, &refusal) {
			err = invalid("file")
		}
		if err != nil {
			return form, err
		}
	}
	if !strings.HasPrefix(form.contentType, "image/") {
		return form, invalid("file")
	}
	return form, nil
}

func (form *imageForm) take(part *multipart.Part) error {
	value, err := io.ReadAll(io.LimitReader(part, maxImage+1))
	if err != nil {
		return err
	}
	if len(value) > maxImage {
		return &apiError{status: http.StatusRequestEntityTooLarge}
	}
	switch part.FormName() {
	case "model":
		form.model = string(value)
	case "application":
		form.application = string(value)
	case "file":
		form.data, form.name, form.contentType = value, part.FileName(), http.DetectContentType(value)
		if !utf8.ValidString(form.name) || strings.ContainsRune(form.name, 0) || form.name == "" {
			form.name = "image"
		}
	}
	return nil
}

// createImage keeps an image: of the customer who sends it or it is sent for,
// or the shop's own.
func (s *Server) createImage(c call) (any, error) {
	form, err := readImage(c)
	if err != nil {
		return nil, err
	}
	fields, known := imageFields[form.model]
	switch {
	case !known:
		return nil, invalid("model")
	case form.application != "meta" && !slices.Contains(fields, form.application):
		return nil, invalid("application")
	}
	now := stamp(time.Now())
	d := document{
		"_id": newID(), "model": form.model, "application": form.application, "name": form.name, "version": 1.0,
		"customer": nil, "meta": map[string]any{}, "createdAt": now, "updatedAt": now,
	}
	if owner := target(c); owner != "" {
		if _, err := s.load(c.Context(), "customers", owner); err != nil {
			return nil, err
		}
		d["customer"] = owner
	}
	err = pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
		if err := s.insert(c.Context(), tx, "images", d, nil); err != nil {
			return err
		}
		return keepPicture(c.Context(), tx, d.id(), form.contentType, form.data)
	})
	d["url"] = s.imageURL(d)
	return created(d), err
}

func keepPicture(ctx context.Context, tx pgx.Tx, image, contentType string, data []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_clayful.picture (image, content_type, data) VALUES ($1, $2, $3)
		ON CONFLICT (image) DO UPDATE SET content_type = $2, data = $3`, image, contentType, data)
	if err != nil {
		return fmt.Errorf("keep picture: %w", err)
	}
	return nil
}

// imageOf is the image a route is about. Other people's do not exist.
func (s *Server) imageOf(c call) (document, error) {
	d, err := s.load(c.Context(), "images", chi.URLParam(c.Request, "image"))
	if err != nil {
		return nil, err
	}
	if owner := target(c); owner != "" && d["customer"] != owner {
		return nil, notExisting("images")
	}
	return d, nil
}

func (s *Server) getImage(c call) (any, error) {
	d, err := s.imageOf(c)
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(c, "images", []document{d})
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// updateImage puts another picture in an image's place: at another URL, so that
// nobody is shown the old one.
func (s *Server) updateImage(c call) (any, error) {
	form, err := readImage(c)
	if err != nil {
		return nil, err
	}
	if _, err := s.imageOf(c); err != nil {
		return nil, err
	}
	d, err := s.change(c.Context(), "images", chi.URLParam(c.Request, "image"), func(tx pgx.Tx, d document) error {
		if form.model != "" && form.model != d["model"] || form.application != "" && form.application != d["application"] {
			return invalid("application")
		}
		version, _ := d["version"].(float64)
		d["version"], d["name"] = version+1, form.name
		delete(d, "url")
		return keepPicture(c.Context(), tx, d.id(), form.contentType, form.data)
	})
	if err == nil {
		d["url"] = s.imageURL(d)
	}
	return d, err
}

func (s *Server) deleteImage(c call) (any, error) {
	d, err := s.imageOf(c)
	if err != nil {
		return nil, err
	}
	return nil, pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
		if err := s.remove(c.Context(), tx, "images", d.id()); err != nil {
			return err
		}
		_, err := tx.Exec(c.Context(), "DELETE FROM sandbox_clayful.picture WHERE image = $1", d.id())
		return err
	})
}

func (s *Server) remove(ctx context.Context, tx pgx.Tx, model, id string) error {
	tag, err := tx.Exec(ctx, "DELETE FROM sandbox_clayful.document WHERE model = $1 AND id = $2", model, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = notExisting(model)
	}
	return err
}

// imageURL is where an image is served. One that was taken over from another
// shop is where it was.
func (s *Server) imageURL(d document) string {
	if known, ok := d["url"].(string); ok {
		return known
	}
	version, _ := d["version"].(float64)
	name, _ := d["name"].(string)
	return fmt.Sprintf("%s/stores/SANDBOX.local/images/%s/v%.0f/%s", s.config.ImageURL, d.id(), version, url.PathEscape(name))
}

// serveImage shows the picture at an image's URL.
func (s *Server) serveImage(w http.ResponseWriter, r *http.Request) {
	var contentType, etag string
	var data []byte
	err := s.pool.QueryRow(r.Context(), `SELECT content_type, data, d.id || (body->>'version') FROM sandbox_clayful.document d
		JOIN sandbox_clayful.picture ON image = d.id
		WHERE model = 'images' AND d.id = $1 AND 'v' || (body->>'version') = $2`,
		chi.URLParam(r, "image"), chi.URLParam(r, "version")).Scan(&contentType, &data, &etag)
	if errors.Is(err, pgx.ErrNoRows) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.config.Logger.ErrorContext(r.Context(), "clayful sandbox failed", "route", "image", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// querier is a transaction, or the pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// checkImage sees that an image is fit for a field: there, made for it, and, if
// it is a customer's, that of the document's owner.
func checkImage(ctx context.Context, db querier, id, model, application, owner string) error {
	var d document
	err := db.QueryRow(ctx, "SELECT body FROM sandbox_clayful.document WHERE model = 'images' AND id = $1", id).Scan(&d)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return badRequest("not-existing-image-relation")
	case err != nil:
		return fmt.Errorf("look for image: %w", err)
	case d["model"] != model:
		return badRequest("invalid-model-image")
	case d["application"] != application:
		return badRequest("invalid-field-image")
	case d["customer"] != nil && d["customer"] != owner:
		return badRequest("not-existing-image-relation")
	}
	return nil
}

// checkMetaImages sees that the images a document's meta names were made for
// its model's meta.
func checkMetaImages(ctx context.Context, db querier, meta map[string]any, model string) error {
	var named []string
	for _, value := range meta {
		if id, ok := value.(string); ok && len(id) == 12 {
			named = append(named, id)
		}
	}
	var others bool
	err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sandbox_clayful.document
		WHERE model = 'images' AND id = ANY($1) AND (body->>'model' <> $2 OR body->>'application' <> 'meta'))`, named, model).Scan(&others)
	if err == nil && others {
		err = badRequest("invalid-meta-image")
	}
	return err
}
