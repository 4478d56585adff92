package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func (a *api) reviewRoutes(r chi.Router) {
	r.With(a.login, a.uploads).Post("/review", a.bareErrors(a.createReview))
	r.Get("/review/{review_id}", a.bareErrors(a.review))
	r.Get("/review/list/product/{id}", a.bareErrors(a.reviewsBy("product")))
	r.Get("/review/list/customer/{id}", a.bareErrors(a.reviewsBy("customer")))
	r.With(a.login).Delete("/review/{review_id}", a.bareErrors(a.deleteReview))
	r.With(a.login, a.uploads).Put("/review/{review_id}", a.bareErrors(a.editReview))
}

// What a review's images are made for at the shop.
const (
	reviewModel      = "Review"
	reviewImages     = "images"
	mostReviewImages = 10
)

// reviewRaw is what of a review is flattened (API contract, section 15).
var reviewRaw = rawAt("{publishedAt,createdAt,updatedAt}", "product.price.{original,sale}", "product.discount.{discounted,value}")

// shownReviews are reviews as everybody may see them.
func shownReviews(list []json.RawMessage) ([]map[string]any, error) {
	reviews, err := reviewRaw.all(list)
	for _, review := range reviews {
		for _, field := range []string{"helped", "flagged", "rating", "totalComment", "commentedAt"} {
			delete(review, field)
		}
	}
	return reviews, err
}

// publicReviews answers a public read of reviews, which no change through this
// process is older than.
func (a *api) publicReviews(w http.ResponseWriter, r *http.Request, key string, load func(context.Context) (any, error)) error {
	return a.public(w, r, "reviews/"+strconv.FormatInt(a.reviews.Load(), 10)+"/"+key, load)
}

func (a *api) review(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "review_id")
	return a.publicReviews(w, r, "one/"+id, func(ctx context.Context) (any, error) {
		raw, err := a.Clayful.PublishedReview(ctx, id)
		if err != nil {
			return nil, err
		}
		reviews, err := shownReviews([]json.RawMessage{raw})
		if err != nil {
			return nil, err
		}
		return reviews[0], nil
	})
}

// reviewsBy lists the reviews of a product, or by a customer.
func (a *api) reviewsBy(filter string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page, err := page(r)
		if err != nil {
			return err
		}
		id := chi.URLParam(r, "id")
		return a.publicReviews(w, r, filter+"/"+id+"/"+strconv.Itoa(page), func(ctx context.Context) (any, error) {
			list, err := a.Clayful.PublishedReviews(ctx, url.Values{filter: {id}}, page)
			if err != nil {
				return nil, err
			}
			return shownReviews(list)
		})
	}
}

// reviewRequest is a review, or a change of one. Images is nil when it says
// nothing about them.
type reviewRequest struct {
	Order   *string            `json:"order"`
	Product *string            `json:"product"`
	Title   *string            `json:"title"`
	Body    *string            `json:"body"`
	Images  *[]json.RawMessage `json:"images"`

	pictures []*picture
	close    func()
}

// readReview reads a review as a form with images, or as JSON without.
func readReview(w http.ResponseWriter, r *http.Request) (*reviewRequest, error) {
	in := &reviewRequest{close: func() {}}
	if !isMultipart(r) {
		if err := decode(r, in); err != nil {
			return nil, err
		}
		if in.Images != nil && len(*in.Images) > 0 {
			return nil, bad("images have to be sent as files")
		}
		return in, nil
	}
	u, err := readUpload(w, r, "images", mostReviewImages)
	if err != nil {
		return nil, err
	}
	in.pictures, in.close = u.pictures, u.close
	for field, into := range map[string]**string{"order": &in.Order, "product": &in.Product, "title": &in.Title, "body": &in.Body} {
		if text, given := u.texts[field]; given {
			*into = &text
		}
	}
	switch text := u.texts["images"]; {
	case text == "[]" || len(in.pictures) > 0:
		in.Images = &[]json.RawMessage{}
	case text != "":
		in.close()
		return nil, bad("images have to be sent as files")
	}
	return in, nil
}

// fields are what of a review the shop is to write.
func (in *reviewRequest) fields() map[string]any {
	fields := map[string]any{}
	for name, text := range map[string]*string{"order": in.Order, "product": in.Product, "title": in.Title, "body": in.Body} {
		if text != nil {
			fields[name] = *text
		}
	}
	return fields
}

var (
	errNoReview     = &refusal{Status: http.StatusNotFound, Code: noReview, Message: "존재하지 않는 리뷰입니다"}
	errNotPurchased = &refusal{Status: http.StatusBadRequest, Code: "not-purchased-product", Message: "주문하지 않은 상품입니다"}
)

// createReview writes a review, and keeps its images first.
func (a *api) createReview(w http.ResponseWriter, r *http.Request) error {
	in, err := readReview(w, r)
	if err != nil {
		return err
	}
	defer in.close()
	for name, text := range map[string]*string{"product": in.Product, "title": in.Title, "body": in.Body} {
		if text == nil || *text == "" {
			return bad(name + " is missing")
		}
	}
	if err := a.checkOrdered(r, in); err != nil {
		return err
	}
	return a.changeReview(w, r, func(ctx context.Context, c *imageChange) (answer json.RawMessage, err error) {
		fields := in.fields()
		if len(in.pictures) > 0 {
			if err := c.begin(ctx); err != nil {
				return nil, err
			}
			if fields[reviewImages], err = c.addAll(ctx, in.pictures); err != nil {
				return nil, err
			}
		}
		answer, err = a.Clayful.CreateOwnReview(ctx, c.member.Token, fields)
		return answer, c.confirm(ctx, err, func(ctx context.Context) (bool, error) {
			answer, err = c.written(ctx, in)
			return answer != nil, err
		})
	})
}

// checkOrdered sees that the order a review names is the caller's, and of the
// product.
func (a *api) checkOrdered(r *http.Request, in *reviewRequest) error {
	if in.Order == nil || *in.Order == "" {
		in.Order = nil
		return nil
	}
	raw, err := a.Clayful.OwnOrder(r.Context(), caller(r).Token, *in.Order)
	if err != nil {
		return err
	}
	order, err := parse(raw)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(objects(order["items"]), func(item map[string]any) bool { return idOf(item["product"]) == *in.Product }) {
		return errNotPurchased
	}
	return nil
}

// changeReview answers what changes a review. However it ends, reviews are read
// anew afterwards.
func (a *api) changeReview(w http.ResponseWriter, r *http.Request, do func(context.Context, *imageChange) (json.RawMessage, error)) error {
	defer a.reviews.Add(1)
	var answer json.RawMessage
	err := a.changeImages(r, reviewModel, reviewImages, func(ctx context.Context, c *imageChange) (err error) {
		answer, err = do(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	a.reviews.Add(1) // before the caller can ask
	return bare(w, http.StatusOK, answer)
}

// addAll keeps new images, and answers with their ids.
func (c *imageChange) addAll(ctx context.Context, pictures []*picture) ([]string, error) {
	for _, p := range pictures {
		if _, err := c.add(ctx, p); err != nil {
			return nil, err
		}
	}
	return append([]string{}, c.added...), nil
}

// written finds the review of a request that was not answered: of this minute,
// and just the same.
func (c *imageChange) written(ctx context.Context, in *reviewRequest) (json.RawMessage, error) {
	list, err := c.Clayful.ReviewsBy(ctx, c.member.ID, 1)
	if err != nil {
		return nil, err
	}
	for _, raw := range list {
		var review clayful.Review
		if err := json.Unmarshal(raw, &review); err != nil {
			return nil, err
		}
		if string(review.Product) == *in.Product && review.Title == *in.Title && review.Body == *in.Body &&
			slices.Equal(review.ImageIDs(), c.added) && review.CreatedAt.After(c.in.At.Add(-time.Minute)) {
			return raw, nil
		}
	}
	return nil, nil
}

// ownReview is a review of the caller's. Other people's do not exist.
func (c *imageChange) ownReview(ctx context.Context, id string) (*clayful.Review, error) {
	raw, err := c.Clayful.Review(ctx, id)
	if err != nil {
		return nil, err
	}
	var review clayful.Review
	if err := json.Unmarshal(raw, &review); err != nil {
		return nil, fmt.Errorf("decode review: %w", err)
	}
	if string(review.Customer) != c.member.ID {
		return nil, errNoReview
	}
	return &review, nil
}

// editReview changes a review. New images take the place of all old ones, which
// stay when nothing is said about them.
func (a *api) editReview(w http.ResponseWriter, r *http.Request) error {
	in, err := readReview(w, r)
	if err != nil {
		return err
	}
	defer in.close()
	for name, text := range map[string]*string{"title": in.Title, "body": in.Body} {
		if text != nil && *text == "" {
			return bad(name + " is empty")
		}
	}
	in.Order, in.Product = nil, nil // what it is about stays
	id := chi.URLParam(r, "review_id")
	return a.changeReview(w, r, func(ctx context.Context, c *imageChange) (answer json.RawMessage, err error) {
		review, err := c.ownReview(ctx, id)
		if err != nil {
			return nil, err
		}
		fields := in.fields()
		if in.Images != nil {
			if err := c.begin(ctx, review.ImageIDs()...); err != nil {
				return nil, err
			}
			if fields[reviewImages], err = c.addAll(ctx, in.pictures); err != nil {
				return nil, err
			}
		}
		answer, err = a.Clayful.UpdateOwnReview(ctx, c.member.Token, id, fields)
		return answer, c.confirm(ctx, err, func(ctx context.Context) (bool, error) {
			answer, err = c.changed(ctx, id, in)
			return answer != nil, err
		})
	})
}

// changed is a review, if it is as a request wants it.
func (c *imageChange) changed(ctx context.Context, id string, in *reviewRequest) (json.RawMessage, error) {
	raw, err := c.Clayful.Review(ctx, id)
	if err != nil {
		return nil, err
	}
	var now clayful.Review
	if err := json.Unmarshal(raw, &now); err != nil {
		return nil, fmt.Errorf("decode review: %w", err)
	}
	if in.Title != nil && now.Title != *in.Title || in.Body != nil && now.Body != *in.Body || in.Images != nil && !slices.Equal(now.ImageIDs(), c.added) {
		return nil, nil
	}
	return raw, nil
}

func (a *api) deleteReview(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "review_id")
	return a.changeReview(w, r, func(ctx context.Context, c *imageChange) (json.RawMessage, error) {
		review, err := c.ownReview(ctx, id)
		if err != nil {
			return nil, err
		}
		if images := review.ImageIDs(); len(images) > 0 {
			if err := c.begin(ctx, images...); err != nil {
				return nil, err
			}
		}
		err = a.Clayful.DeleteOwnReview(ctx, c.member.Token, id)
		return json.RawMessage(`"리뷰가 삭제되었습니다"`), c.confirm(ctx, err, func(ctx context.Context) (bool, error) {
			_, err := c.Clayful.Review(ctx, id)
			if clayful.IsCode(err, noReview) {
				return true, nil
			}
			return false, err
		})
	})
}
