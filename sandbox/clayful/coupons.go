package clayful

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) couponRoutes() []route {
	routes := []route{
		{"POST", "/customers/{id}/coupons", backend, s.issueCoupon},
		{"POST", "/coupons/{id}/amount/total", backend, s.addTotalAmount},
	}
	for base, access := range map[string]access{"/customers/{id}/coupons": backend, "/me/coupons": meOnly} {
		routes = append(routes,
			route{"GET", base, access, s.listCoupons},
			route{"GET", base + "/count", access, s.countCoupons},
			route{"DELETE", base + "/{coupon}", access, s.deleteCoupon})
	}
	return routes
}

// issueCoupon gives a customer a coupon, while there are any. It keeps no log of
// those who had it before: a customer may be given it again, also while they
// have it.
func (s *Server) issueCoupon(c call) (any, error) {
	var in struct {
		Coupon string `json:"coupon"`
	}
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if in.Coupon == "" {
		return nil, invalid("coupon")
	}
	customer, err := s.load(c.Context(), "customers", target(c))
	if err != nil {
		return nil, err
	}
	given, err := s.change(c.Context(), "coupons", in.Coupon, func(tx pgx.Tx, d document) error {
		amounts, _ := d["amount"].(map[string]any)
		issued, _ := amounts["issued"].(float64)
		total, limited := amounts["total"].(float64)
		expires, _ := d["expiresAt"].(string)
		switch {
		case d["active"] == false, expires != "" && expires <= stamp(time.Now()):
			return badRequest("expired-coupon")
		case limited && issued >= total:
			return badRequest("exhausted-coupon")
		}
		amounts["issued"] = issued + 1
		return s.insert(c.Context(), tx, "issuedCoupons", document{
			"_id": newID(), "customer": customer.id(), "coupon": d.id(), "issuedAt": stamp(time.Now()),
		}, nil)
	})
	var refusal *apiError
	if errors.As(err, &refusal) && refusal.status == http.StatusNotFound {
		return nil, badRequest("not-existing-coupon-relation")
	}
	return given, err
}

// tally completes a coupon's amounts by what is left of them; null is without
// end.
func tally(coupon document) {
	amounts, _ := coupon["amount"].(map[string]any)
	total, limited := amounts["total"].(float64)
	for rest, gone := range map[string]string{"left": "used", "unissued": "issued"} {
		if n, _ := amounts[gone].(float64); limited {
			amounts[rest] = max(total-n, 0)
		} else if amounts != nil {
			amounts[rest] = nil
		}
	}
}

func (s *Server) addTotalAmount(c call) (any, error) {
	var in struct {
		Value float64 `json:"value"`
	}
	if err := json.NewDecoder(c.Body).Decode(&in); err != nil || in.Value < 0 {
		return nil, invalid("value")
	}
	return s.change(c.Context(), "coupons", chi.URLParam(c.Request, "id"), func(_ pgx.Tx, d document) error {
		amounts, _ := d["amount"].(map[string]any)
		total, _ := amounts["total"].(float64)
		amounts["total"] = total + in.Value
		return nil
	})
}

const heldCoupons = `FROM sandbox_clayful.document issued
	JOIN sandbox_clayful.document coupon ON coupon.model = 'coupons' AND coupon.id = issued.body->>'coupon'
	WHERE issued.model = 'issuedCoupons' AND issued.body->>'customer' = $1`

func (s *Server) listCoupons(c call) (any, error) {
	limit, page, err := paging(c.Request)
	if err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(c.Context(), "SELECT coupon.body || jsonb_build_object('issuedAt', issued.body->'issuedAt') "+heldCoupons+
		" ORDER BY issued.created_at DESC, issued.id LIMIT $2 OFFSET $3", target(c), limit, (page-1)*limit)
	if err != nil {
		return nil, fmt.Errorf("list coupons: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[document])
	if err != nil {
		return nil, fmt.Errorf("read coupons: %w", err)
	}
	return s.shown(c, "coupons", found)
}

func (s *Server) countCoupons(c call) (any, error) {
	var n float64
	if err := s.pool.QueryRow(c.Context(), "SELECT count(*) "+heldCoupons, target(c)).Scan(&n); err != nil {
		return nil, fmt.Errorf("count coupons: %w", err)
	}
	return counted(c, n), nil
}

func (s *Server) deleteCoupon(c call) (any, error) {
	tag, err := s.pool.Exec(c.Context(), `DELETE FROM sandbox_clayful.document
		WHERE model = 'issuedCoupons' AND body->>'customer' = $1 AND body->>'coupon' = $2`, target(c), chi.URLParam(c.Request, "coupon"))
	if err == nil && tag.RowsAffected() == 0 {
		err = notExisting("coupons")
	}
	return nil, err
}
