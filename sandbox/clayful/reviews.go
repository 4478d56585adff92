package clayful

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) reviewRoutes() []route {
	const base = "/products/reviews"
	routes := []route{
		{"GET", base, backend, s.list("reviews")},
		{"GET", base + "/count", backend, s.count("reviews")},
		{"GET", base + "/published", public, published(s.list("reviews"))},
		{"GET", base + "/published/count", public, published(s.count("reviews"))},
		{"GET", base + "/published/{review}", public, s.getReview},
		{"GET", base + "/{review}", backend, s.getReview},
		{"POST", base + "/{review}/flags", backend, s.opine("reviews", "flag")},
		{"DELETE", base + "/{review}/flags/{customer}", backend, s.opine("reviews", "flag")},
		{"POST", "/me" + base + "/{review}/flags", meOnly, s.opine("reviews", "flag")},
		{"DELETE", "/me" + base + "/{review}/flags", meOnly, s.opine("reviews", "flag")},
	}
	for _, way := range []string{"up", "down"} {
		helped := base + "/{review}/helped/" + way
		routes = append(routes,
			route{"POST", helped, backend, s.opine("reviews", way)},
			route{"DELETE", helped + "/{customer}", backend, s.opine("reviews", way)},
			route{"POST", "/me" + helped, meOnly, s.opine("reviews", way)},
			route{"DELETE", "/me" + helped, meOnly, s.opine("reviews", way)})
	}
	for prefix, access := range map[string]access{"": backend, "/me": meOnly} {
		routes = append(routes,
			route{"POST", prefix + base, access, s.createReview},
			route{"PUT", prefix + base + "/{review}", access, s.updateReview},
			route{"DELETE", prefix + base + "/{review}", access, s.deleteReview})
	}
	return routes
}

// published lists what everybody may see.
func published(list func(call) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		q := c.URL.Query()
		q.Set("published", "true")
		c.URL.RawQuery = q.Encode()
		return list(c)
	}
}

func (s *Server) getReview(c call) (any, error) {
	d, err := s.load(c.Context(), "reviews", chi.URLParam(c.Request, "review"))
	if err != nil {
		return nil, err
	}
	if chi.RouteContext(c.Context()).RoutePattern() == "/v1/products/reviews/published/{review}" && d["published"] != true {
		return nil, notExisting("reviews")
	}
	shown, err := s.shown(c, "reviews", []document{d})
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// reviewFields are what a request may set on a review; what it is about is set
// once.
var reviewFields = map[string]field{
	"title": {kind: takesString}, "body": {kind: takesString}, "images": {kind: takesList}, "rating": {kind: takesNumber},
	"meta": {kind: takesObject},
}

const (
	mostReviewImages = 10
	bestRating       = 5
)

// fillReview sets the fields of a request on a review.
func fillReview(ctx context.Context, tx pgx.Tx, d, in document, isBackend bool) error {
	for name, value := range in {
		field, known := reviewFields[name]
		if !known {
			continue
		}
		if err := field.check(name, value); err != nil {
			return err
		}
		switch v := value.(type) {
		case float64:
			if v > bestRating {
				return invalid(name)
			}
		case []any:
			if err := checkReviewImages(ctx, tx, d, v); err != nil {
				return err
			}
		case map[string]any:
			if err := checkMetaImages(ctx, tx, v, "Review"); err != nil {
				return err
			}
			own, _ := d["meta"].(map[string]any)
			maps.Copy(own, v)
			continue
		}
		d[name] = value
	}
	for _, name := range []string{"title", "body"} {
		if text, _ := d[name].(string); text == "" {
			return invalid(name)
		}
	}
	if value, given := in["published"]; given {
		shown, ok := value.(bool)
		if !isBackend || !ok {
			return invalid("published")
		}
		if shown && d["published"] != true {
			d["publishedAt"] = stamp(time.Now())
		}
		d["published"] = shown
	}
	return nil
}

func checkReviewImages(ctx context.Context, tx pgx.Tx, d document, images []any) error {
	if len(images) > mostReviewImages {
		return invalid("images")
	}
	owner, _ := d["customer"].(string)
	for i, image := range images {
		id, ok := image.(string)
		if !ok || slices.Contains(images[:i], image) {
			return invalid("images")
		}
		if err := checkImage(ctx, tx, id, "Review", "images", owner); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) createReview(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	customer := c.customer
	if customer == "" {
		customer, _ = in["customer"].(string)
		if _, err := s.load(c.Context(), "customers", customer); err != nil {
			return nil, badRequest("not-existing-customer-relation")
		}
	}
	product, _ := in["product"].(string)
	now := stamp(time.Now())
	d := document{
		"_id": newID(), "product": product, "customer": customer, "order": in["order"], "title": nil, "body": nil, "images": []any{},
		"rating": nil, "helped": map[string]any{"up": 0.0, "down": 0.0, "total": 0.0}, "flagged": map[string]any{"total": 0.0},
		"totalComment": 0.0, "published": true, "publishedAt": now, "commentedAt": nil, "meta": map[string]any{},
		"createdAt": now, "updatedAt": now,
	}
	err = pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
		if err := s.checkReviewed(c.Context(), tx, d); err != nil {
			return err
		}
		if err := fillReview(c.Context(), tx, d, in, c.customer == ""); err != nil {
			return err
		}
		if err := s.insert(c.Context(), tx, "reviews", d, nil); err != nil {
			return err
		}
		if order, ok := d["order"].(string); ok {
			_, err := tx.Exec(c.Context(), `UPDATE sandbox_clayful.document SET body = jsonb_set(body, '{reviews}',
				coalesce(body->'reviews', '[]') || to_jsonb($2::text)) WHERE model = 'orders' AND id = $1`, order, d.id())
			if err != nil {
				return fmt.Errorf("note review in order: %w", err)
			}
		}
		return s.reviewed(c.Context(), tx, "create", d)
	})
	return created(d), err
}

// checkReviewed sees that the customer may review the product, and the order if
// one is named. It keeps others from changing what the product's reviews add up
// to.
func (s *Server) checkReviewed(ctx context.Context, tx pgx.Tx, d document) error {
	order, named := d["order"].(string)
	if !named && d["order"] != nil {
		return invalid("order")
	}
	known, err := lockReviewed(ctx, tx, d)
	if err != nil {
		return err
	}
	if !known {
		return badRequest("not-existing-product-relation")
	}
	var ordered, bought bool
	err = tx.QueryRow(ctx, `SELECT coalesce(bool_or(id = $3), false), coalesce(bool_or(($3 = '' OR id = $3)
			AND body->'items' @> jsonb_build_array(jsonb_build_object('product', $2::text)) AND body->>'status' NOT IN ('placed', 'cancelled')), false)
		FROM sandbox_clayful.document WHERE model = 'orders' AND `+ownerColumn+` = $1`, d["customer"], d["product"], order).Scan(&ordered, &bought)
	switch {
	case err != nil:
		return fmt.Errorf("look for order: %w", err)
	case named && !ordered:
		return badRequest("not-existing-order-relation")
	case s.config.BuyersReview && !bought:
		return badRequest("not-purchased-product")
	}
	return nil
}

// lockReviewed keeps a review's order and product, in this order, from being
// changed by others. Product tells whether there is one.
func lockReviewed(ctx context.Context, tx pgx.Tx, d document) (product bool, err error) {
	if _, err := documents(ctx, tx, "SELECT body FROM sandbox_clayful.document WHERE model = 'orders' AND id = $1 FOR UPDATE", d["order"]); err != nil {
		return false, err
	}
	found, err := documents(ctx, tx, "SELECT body FROM sandbox_clayful.document WHERE model = 'products' AND id = $1 FOR UPDATE", d["product"])
	return len(found) > 0, err
}

// reviewed adds the product's published reviews up, and tells the webhooks.
func (s *Server) reviewed(ctx context.Context, tx pgx.Tx, event string, d document) error {
	_, err := tx.Exec(ctx, `UPDATE sandbox_clayful.document SET body = body || (
			SELECT jsonb_build_object('totalReview', count(*), 'rating', jsonb_build_object('count', count(rating),
				'sum', coalesce(sum(rating), 0), 'average', coalesce(round(avg(rating), 2), 0)))
			FROM (SELECT (body->>'rating')::numeric AS rating FROM sandbox_clayful.document
				WHERE model = 'reviews' AND body->>'product' = $1 AND body->>'published' = 'true') published)
		WHERE model = 'products' AND id = $1`, d["product"])
	if err != nil {
		return fmt.Errorf("add reviews up: %w", err)
	}
	return s.notify(ctx, tx, "review."+event, map[string]any{"reviewId": d.id()}, d)
}

// changeReview lets do change the review a route is about. Other people's do
// not exist for a customer.
func (s *Server) changeReview(c call, do func(pgx.Tx, document) error) (document, error) {
	found, err := s.load(c.Context(), "reviews", chi.URLParam(c.Request, "review"))
	if err != nil {
		return nil, err
	}
	if c.customer != "" && found["customer"] != c.customer {
		return nil, notExisting("reviews")
	}
	return s.change(c.Context(), "reviews", found.id(), func(tx pgx.Tx, d document) error {
		if _, err := lockReviewed(c.Context(), tx, d); err != nil {
			return err
		}
		return do(tx, d)
	})
}

func (s *Server) updateReview(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	return s.changeReview(c, func(tx pgx.Tx, d document) error {
		if err := fillReview(c.Context(), tx, d, in, c.customer == ""); err != nil {
			return err
		}
		if _, err := tx.Exec(c.Context(), "UPDATE sandbox_clayful.document SET body = $2 WHERE model = 'reviews' AND id = $1", d.id(), d); err != nil {
			return fmt.Errorf("change review: %w", err)
		}
		return s.reviewed(c.Context(), tx, "update", d)
	})
}

func (s *Server) deleteReview(c call) (any, error) {
	_, err := s.changeReview(c, func(tx pgx.Tx, d document) error {
		for _, statement := range []string{
			"DELETE FROM sandbox_clayful.opinion WHERE document = $1 OR document IN (SELECT id FROM sandbox_clayful.document WHERE model = 'reviewComments' AND body->>'review' = $1)",
			"DELETE FROM sandbox_clayful.document WHERE model = 'reviewComments' AND body->>'review' = $1",
			"UPDATE sandbox_clayful.document SET body = jsonb_set(body, '{reviews}', (body->'reviews') - $1::text) WHERE model = 'orders' AND body->'reviews' ? $1",
		} {
			if _, err := tx.Exec(c.Context(), statement, d.id()); err != nil {
				return fmt.Errorf("forget review: %w", err)
			}
		}
		if err := s.remove(c.Context(), tx, "reviews", d.id()); err != nil {
			return err
		}
		return s.reviewed(c.Context(), tx, "delete", d)
	})
	return nil, err
}

// opine notes or takes back what a customer finds of a review or a comment:
// that it helped (up), that it did not (down), or that it is improper (flag).
func (s *Server) opine(model, kind string) func(call) (any, error) {
	return func(c call) (any, error) {
		customer := c.customer
		if customer == "" {
			customer = chi.URLParam(c.Request, "customer")
		}
		if customer == "" {
			var in struct {
				Customer string `json:"customer"`
			}
			if err := readInto(c.Request, &in); err != nil {
				return nil, err
			}
			if _, err := s.load(c.Context(), "customers", in.Customer); err != nil {
				return nil, badRequest("not-existing-customer-relation")
			}
			customer = in.Customer
		}
		param := map[string]string{"reviews": "review", "reviewComments": "comment"}[model]
		return s.change(c.Context(), model, chi.URLParam(c.Request, param), func(tx pgx.Tx, d document) error {
			by, err := changeOpinion(c.Context(), tx, d.id(), customer, kind, c.Method == http.MethodPost)
			if err != nil {
				return err
			}
			counters, field := "helped", kind
			if kind == "flag" {
				counters, field = "flagged", "total"
			}
			count, _ := d[counters].(map[string]any)
			n, _ := count[field].(float64)
			count[field] = n + by
			if counters == "helped" {
				total, _ := count["total"].(float64)
				count["total"] = total + by
			}
			return nil
		})
	}
}

func changeOpinion(ctx context.Context, tx pgx.Tx, id, customer, kind string, holds bool) (by float64, err error) {
	word, same := "vote", []string{"up", "down"}
	if kind == "flag" {
		word, same = "flag", []string{kind}
	}
	var has bool
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM sandbox_clayful.opinion WHERE document = $1 AND customer = $2 AND kind = ANY($3))",
		id, customer, same).Scan(&has)
	switch {
	case err != nil:
	case holds && has:
		err = badRequest("duplicated-" + word)
	case holds:
		_, err = tx.Exec(ctx, "INSERT INTO sandbox_clayful.opinion (document, customer, kind) VALUES ($1, $2, $3)", id, customer, kind)
		by = 1
	default:
		tag, deleteErr := tx.Exec(ctx, "DELETE FROM sandbox_clayful.opinion WHERE document = $1 AND customer = $2 AND kind = $3", id, customer, kind)
		if err = deleteErr; err == nil && tag.RowsAffected() == 0 {
			err = &apiError{status: http.StatusNotFound, code: "not-existing-" + word}
		}
		by = -1
	}
	return by, err
}

func reviewFormats() map[string]kind {
	return map[string]kind{
		"product": asReviewed, "customer": asAuthor, "images[]": asImageOrNull, "rating": asNumber, "helped.up": asNumber, "helped.down": asNumber,
		"helped.total": asNumber, "flagged.total": asNumber, "totalComment": asNumber, "publishedAt": asTime, "commentedAt": asTime,
		"createdAt": asTime, "updatedAt": asTime,
	}
}
