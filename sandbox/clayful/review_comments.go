package clayful

import (
	"context"
	"fmt"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) commentRoutes() []route {
	const base = "/products/reviews/comments"
	routes := []route{
		{"GET", base, public, s.list("reviewComments")},
		{"GET", base + "/count", public, s.count("reviewComments")},
		{"GET", base + "/{comment}", public, s.getComment},
		{"POST", base + "/{comment}/flags", backend, s.opine("reviewComments", "flag")},
		{"DELETE", base + "/{comment}/flags/{customer}", backend, s.opine("reviewComments", "flag")},
		{"POST", "/me" + base + "/{comment}/flags", meOnly, s.opine("reviewComments", "flag")},
		{"DELETE", "/me" + base + "/{comment}/flags", meOnly, s.opine("reviewComments", "flag")},
	}
	for prefix, access := range map[string]access{"": backend, "/me": meOnly} {
		routes = append(routes,
			route{"POST", prefix + base, access, s.createComment},
			route{"PUT", prefix + base + "/{comment}", access, s.updateComment},
			route{"DELETE", prefix + base + "/{comment}", access, s.deleteComment})
	}
	return routes
}

func (s *Server) getComment(c call) (any, error) {
	d, err := s.load(c.Context(), "reviewComments", chi.URLParam(c.Request, "comment"))
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(c, "reviewComments", []document{d})
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// createComment is a customer's word on a review, or, from the backend, perhaps
// a collaborator's of the shop.
func (s *Server) createComment(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	now := stamp(time.Now())
	d := document{
		"_id": newID(), "review": in["review"], "body": in["body"], "flagged": map[string]any{"total": 0.0}, "meta": map[string]any{},
		"createdAt": now, "updatedAt": now,
	}
	if text, _ := d["body"].(string); text == "" {
		return nil, invalid("body")
	}
	collaborator, _ := in["collaborator"].(string)
	switch customer, _ := in["customer"].(string); {
	case c.customer != "":
		d["customer"] = c.customer
	case customer != "":
		if _, err := s.load(c.Context(), "customers", customer); err != nil {
			return nil, badRequest("not-existing-customer-relation")
		}
		d["customer"] = customer
	case collaborator != "":
		d["collaborator"] = collaborator
	default:
		return nil, invalid("customer")
	}
	err = pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
		if err := related(c.Context(), tx, "reviews", d["review"]); err != nil {
			return err
		}
		if err := s.insert(c.Context(), tx, "reviewComments", d, nil); err != nil {
			return err
		}
		return countComments(c.Context(), tx, d["review"])
	})
	return created(d), err
}

// countComments tells a review how many comments it has, and when the last came.
func countComments(ctx context.Context, tx pgx.Tx, review any) error {
	id, ok := review.(string)
	if !ok {
		return invalid("review")
	}
	_, err := tx.Exec(ctx, `UPDATE sandbox_clayful.document SET body = body || (
			SELECT jsonb_build_object('totalComment', count(*), 'commentedAt', max(body->>'createdAt'))
			FROM sandbox_clayful.document WHERE model = 'reviewComments' AND body->>'review' = $1)
		WHERE model = 'reviews' AND id = $1`, id)
	if err != nil {
		return fmt.Errorf("count comments: %w", err)
	}
	return nil
}

// changeComment lets do change the comment a route is about. Other people's do
// not exist for a customer.
func (s *Server) changeComment(c call, do func(pgx.Tx, document) error) (document, error) {
	return s.change(c.Context(), "reviewComments", chi.URLParam(c.Request, "comment"), func(tx pgx.Tx, d document) error {
		if c.customer != "" && d["customer"] != c.customer {
			return notExisting("reviewComments")
		}
		return do(tx, d)
	})
}

func (s *Server) updateComment(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	text, _ := in["body"].(string)
	if text == "" {
		return nil, invalid("body")
	}
	return s.changeComment(c, func(_ pgx.Tx, d document) error {
		d["body"] = text
		return nil
	})
}

func (s *Server) deleteComment(c call) (any, error) {
	_, err := s.changeComment(c, func(tx pgx.Tx, d document) error {
		if _, err := tx.Exec(c.Context(), "DELETE FROM sandbox_clayful.opinion WHERE document = $1", d.id()); err != nil {
			return err
		}
		if err := s.remove(c.Context(), tx, "reviewComments", d.id()); err != nil {
			return err
		}
		return countComments(c.Context(), tx, d["review"])
	})
	return nil, err
}
