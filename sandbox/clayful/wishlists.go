package clayful

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) wishlistRoutes() []route {
	var routes []route
	for base, access := range map[string]access{"/wishlists": backend, "/me/wishlists": meOnly} {
		routes = append(routes,
			route{"GET", base, access, s.list("wishlists")},
			route{"POST", base, access, s.createWishlist},
			route{"GET", base + "/count", access, s.count("wishlists")},
			route{"GET", base + "/{id}", access, s.getWishlist},
			route{"PUT", base + "/{id}", access, s.updateWishlist},
			route{"DELETE", base + "/{id}", access, s.deleteWishlist},
			route{"POST", base + "/{id}/items", access, s.addWish},
			route{"DELETE", base + "/{id}/items", access, s.emptyWishlist},
			route{"DELETE", base + "/{id}/items/{product}", access, s.removeWish},
			route{"GET", base + "/{id}/products", access, s.wishedProducts},
			route{"GET", base + "/{id}/products/count", access, s.countWishes})
	}
	return routes
}

// wishlistFields are what a request may say of a list.
var wishlistFields = map[string]field{"name": {kind: takesString}, "description": {kind: takesString}, "meta": {kind: takesObject}}

func setWishlist(d, in document) error {
	for name, field := range wishlistFields {
		value, given := in[name]
		if !given {
			continue
		}
		if err := field.check(name, value); err != nil {
			return err
		}
		d[name] = value
	}
	if name, _ := d["name"].(string); name == "" {
		return invalid("name")
	}
	return nil
}

// createWishlist makes a list for the customer named, or for oneself.
func (s *Server) createWishlist(c call) (any, error) {
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
	now := stamp(time.Now())
	d := document{
		"_id": newID(), "name": nil, "description": nil, "customer": customer, "items": []any{},
		"meta": map[string]any{}, "createdAt": now, "updatedAt": now,
	}
	if err := setWishlist(d, in); err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error { return s.insert(c.Context(), tx, "wishlists", d, nil) })
	return created(d), err
}

// mine lets a customer at their own lists only.
func mine(c call, list document) error {
	if c.customer != "" && list["customer"] != c.customer {
		return notExisting("wishlists")
	}
	return nil
}

func (s *Server) wishlist(c call) (document, error) {
	d, err := s.load(c.Context(), "wishlists", chi.URLParam(c.Request, "id"))
	if err != nil {
		return nil, err
	}
	return d, mine(c, d)
}

func (s *Server) changeWishlist(c call, do func(pgx.Tx, document) error) (document, error) {
	return s.change(c.Context(), "wishlists", chi.URLParam(c.Request, "id"), func(tx pgx.Tx, d document) error {
		if err := mine(c, d); err != nil {
			return err
		}
		return do(tx, d)
	})
}

func (s *Server) getWishlist(c call) (any, error) {
	d, err := s.wishlist(c)
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(c, "wishlists", []document{d})
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

func (s *Server) updateWishlist(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	return s.changeWishlist(c, func(_ pgx.Tx, d document) error { return setWishlist(d, in) })
}

func (s *Server) deleteWishlist(c call) (any, error) {
	d, err := s.wishlist(c)
	if err == nil {
		_, err = s.pool.Exec(c.Context(), "DELETE FROM sandbox_clayful.document WHERE model = 'wishlists' AND id = $1", d.id())
	}
	return nil, err
}

// addWish puts a product on a list. One that is there already stays where it is.
func (s *Server) addWish(c call) (any, error) {
	var in struct {
		Product string `json:"product"`
	}
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if in.Product == "" {
		return nil, invalid("product")
	}
	return s.changeWishlist(c, func(tx pgx.Tx, d document) error {
		if err := related(c.Context(), tx, "products", in.Product); err != nil {
			return err
		}
		items, _ := d["items"].([]any)
		if !slices.Contains(items, any(in.Product)) {
			d["items"] = append(items, in.Product)
		}
		return nil
	})
}

func (s *Server) removeWish(c call) (any, error) {
	product := any(chi.URLParam(c.Request, "product"))
	_, err := s.changeWishlist(c, func(_ pgx.Tx, d document) error {
		items, _ := d["items"].([]any)
		if !slices.Contains(items, product) {
			return notExisting("wishlist-items")
		}
		d["items"] = slices.DeleteFunc(items, func(item any) bool { return item == product })
		return nil
	})
	return nil, err
}

func (s *Server) emptyWishlist(c call) (any, error) {
	_, err := s.changeWishlist(c, func(_ pgx.Tx, d document) error { d["items"] = []any{}; return nil })
	return nil, err
}

// wished are the products of a list that still exist, the latest wish first.
const wished = `FROM sandbox_clayful.document list, jsonb_array_elements_text(list.body->'items') WITH ORDINALITY item
	JOIN sandbox_clayful.document product ON product.model = 'products' AND product.id = item.value
	WHERE list.model = 'wishlists' AND list.id = $1`

func (s *Server) wishedProducts(c call) (any, error) {
	limit, page, err := paging(c.Request)
	if err != nil {
		return nil, err
	}
	list, err := s.wishlist(c)
	if err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(c.Context(), "SELECT product.body "+wished+" ORDER BY item.ordinality DESC LIMIT $2 OFFSET $3", list.id(), limit, (page-1)*limit)
	if err != nil {
		return nil, fmt.Errorf("list wishes: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[document])
	if err != nil {
		return nil, fmt.Errorf("read wishes: %w", err)
	}
	return s.shown(c, "products", found)
}

func (s *Server) countWishes(c call) (any, error) {
	list, err := s.wishlist(c)
	if err != nil {
		return nil, err
	}
	var n float64
	if err := s.pool.QueryRow(c.Context(), "SELECT count(*) "+wished, list.id()).Scan(&n); err != nil {
		return nil, fmt.Errorf("count wishes: %w", err)
	}
	return counted(c, n), nil
}
