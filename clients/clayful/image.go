package clayful

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
)

// Upload is a file to be kept as an image. Its name is part of the image's URL.
type Upload struct {
	Model, Application string // the field the image is for, as Customer and avatar
	Name, ContentType  string
	Content            io.ReaderAt
	Size               int64 // bytes
}

// StoredImage is an image that is kept.
type StoredImage struct {
	ID        string `json:"_id"`
	URL       string `json:"url"`
	CreatedAt Time   `json:"createdAt"`
}

// form is the upload as multipart/form-data. The content is read as it is sent.
func (u *Upload) form() (body io.Reader, size int64, contentType string, err error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, field := range [][2]string{{"model", u.Model}, {"application", u.Application}} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return nil, 0, "", fmt.Errorf("encode: %w", err)
		}
	}
	_, err = form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", u.Name)}, "Content-Type": {u.ContentType},
	})
	if err != nil {
		return nil, 0, "", fmt.Errorf("encode: %w", err)
	}
	head := frame.Len()
	if err := form.Close(); err != nil {
		return nil, 0, "", fmt.Errorf("encode: %w", err)
	}
	framed := frame.Bytes()
	body = io.MultiReader(bytes.NewReader(framed[:head]), io.NewSectionReader(u.Content, 0, u.Size), bytes.NewReader(framed[head:]))
	return body, int64(len(framed)) + u.Size, form.FormDataContentType(), nil
}

// OwnImages are the images for a field of the customer a token belongs to, the
// newest first, at most 120.
func (c *Client) OwnImages(ctx context.Context, token, model, application string) ([]Raw, error) {
	list := []Raw{}
	return list, c.do(ctx, request{method: http.MethodGet, path: "/me/images", customer: token, query: imagesFor(model, application, 1)}, &list)
}

func imagesFor(model, application string, page int) url.Values {
	return url.Values{
		"model": {model}, "application": {application}, "limit": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}, "sort": {"-createdAt"},
	}
}

// Images is a page of everybody's images for a field, the newest first, 120 a
// page.
func (c *Client) Images(ctx context.Context, model, application string, page int) ([]StoredImage, error) {
	var list []StoredImage
	return list, c.do(ctx, request{method: http.MethodGet, path: "/images", query: imagesFor(model, application, page)}, &list)
}

// Image reads anybody's image. Refusal: not-existing-image.
func (c *Client) Image(ctx context.Context, id string) (StoredImage, error) {
	var image StoredImage
	return image, c.do(ctx, request{method: http.MethodGet, path: "/images/" + url.PathEscape(id)}, &image)
}

// AddOwnImage keeps an image of the customer a token belongs to. After
// IsUnavailable it may be kept: its URL ends in the upload's name.
func (c *Client) AddOwnImage(ctx context.Context, token string, upload Upload) (StoredImage, error) {
	var image StoredImage
	return image, c.do(ctx, request{method: http.MethodPost, path: "/me/images", customer: token, upload: &upload}, &image)
}

// ReplaceOwnImage puts another file in the place of a customer's image, which
// gets another URL.
func (c *Client) ReplaceOwnImage(ctx context.Context, token, id string, upload Upload) (StoredImage, error) {
	var image StoredImage
	return image, c.do(ctx, request{method: http.MethodPut, path: "/me/images/" + url.PathEscape(id), customer: token, upload: &upload}, &image)
}

// DeleteOwnImage deletes an image of the customer a token belongs to. Refusal:
// not-existing-image.
func (c *Client) DeleteOwnImage(ctx context.Context, token, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/me/images/" + url.PathEscape(id), customer: token}, nil)
}

// DeleteImage deletes anybody's image. Refusal: not-existing-image.
func (c *Client) DeleteImage(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/images/" + url.PathEscape(id)}, nil)
}
