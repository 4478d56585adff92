package clayful

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Review is a customer's review of a product, published or not. Images that
// were deleted have no id.
type Review struct {
	ID        string  `json:"_id"`
	Customer  Ref     `json:"customer"`
	Product   Ref     `json:"product"`
	Title     string  `json:"title"`
	Body      string  `json:"body"`
	Images    []Image `json:"images"`
	CreatedAt Time    `json:"createdAt"`
}

// ImageIDs are the images that are there.
func (r *Review) ImageIDs() []string {
	ids := []string{}
	for _, image := range r.Images {
		if image.ID != "" {
			ids = append(ids, image.ID)
		}
	}
	return ids
}

const (
	reviewsPath   = "/products/reviews"
	publishedPath = reviewsPath + "/published"
)

// reviewEmbeds asks for what published reviews show of their product besides.
var reviewEmbeds = []string{"+product.thumbnail"}

// PublishedReviews is one page of the published reviews a query finds, the
// newest first, at most 120.
func (c *Client) PublishedReviews(ctx context.Context, query url.Values, page int) ([]Raw, error) {
	query.Set("page", strconv.Itoa(page))
	query.Set("limit", strconv.Itoa(pageSize))
	query["embed"] = reviewEmbeds
	return c.list(ctx, publishedPath, query)
}

// PublishedReview reads one published review. Refusal: not-existing-review.
func (c *Client) PublishedReview(ctx context.Context, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodGet, path: publishedPath + "/" + url.PathEscape(id), query: url.Values{"embed": reviewEmbeds}})
}

// ReviewedProducts are the products of those reviews that are published, by
// review.
func (c *Client) ReviewedProducts(ctx context.Context, ids []string) (map[string]string, error) {
	products := make(map[string]string, len(ids))
	for chunk := range slices.Chunk(ids, pageSize) {
		var some []Review
		query := url.Values{"ids": {strings.Join(chunk, ",")}, "limit": {strconv.Itoa(pageSize)}, "fields": {"product"}}
		if err := c.do(ctx, request{method: http.MethodGet, path: publishedPath, query: query}, &some); err != nil {
			return nil, err
		}
		for _, review := range some {
			products[review.ID] = string(review.Product)
		}
	}
	return products, nil
}

// Review reads any review as a raw document. Refusal: not-existing-review.
func (c *Client) Review(ctx context.Context, id string) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodGet, path: reviewsPath + "/" + url.PathEscape(id), query: url.Values{"raw": {"true"}}})
}

// ReviewsBy is a page of a customer's reviews as raw documents, the newest
// first, at most 120.
func (c *Client) ReviewsBy(ctx context.Context, customer string, page int) ([]Raw, error) {
	return c.list(ctx, reviewsPath, url.Values{
		"customer": {customer}, "raw": {"true"}, "sort": {"-createdAt"}, "page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)},
	})
}

// CreateOwnReview writes a review of the customer a token belongs to. After
// IsUnavailable it may be written.
func (c *Client) CreateOwnReview(ctx context.Context, token string, review any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPost, path: "/me" + reviewsPath, customer: token, body: review})
}

// UpdateOwnReview changes the given fields of a review of the customer a token
// belongs to. Refusal: not-existing-review, also for other people's.
func (c *Client) UpdateOwnReview(ctx context.Context, token, id string, fields any) (Raw, error) {
	return c.raw(ctx, request{method: http.MethodPut, path: "/me" + reviewsPath + "/" + url.PathEscape(id), customer: token, body: fields})
}

// DeleteOwnReview deletes a review of the customer a token belongs to. Refusal:
// not-existing-review, also for other people's.
func (c *Client) DeleteOwnReview(ctx context.Context, token, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/me" + reviewsPath + "/" + url.PathEscape(id), customer: token}, nil)
}
