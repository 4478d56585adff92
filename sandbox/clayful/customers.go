package clayful

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"
)

// hashCost is bcrypt's; it slows a thief, and a login by about 5 ms.
const hashCost = 6

// newCustomer is a customer of whom nothing is known.
func newCustomer() document {
	now := stamp(time.Now())
	return document{
		"_id": newID(), "connect": false, "verified": false, "groups": []any{}, "userId": nil, "alias": nil, "email": nil,
		"name":   map[string]any{"first": nil, "last": nil, "full": nil},
		"avatar": nil, "address": map[string]any{"primary": nil, "secondaries": []any{}}, "gender": nil, "birthdate": nil,
		"country": nil, "mobile": nil, "phone": nil, "language": nil, "currency": nil, "timezone": nil, "social": []any{},
		"deactivatedAt": nil, "lastLoggedInAt": nil, "meta": map[string]any{}, "createdAt": now, "updatedAt": now,
	}
}

// Fields of a customer that a request may set, by kind.
var (
	textFields    = []string{"alias", "mobile", "phone", "gender", "birthdate", "country", "language", "currency", "timezone"}
	backendFields = []string{"groups", "connect", "verified", "userId", "email"}
)

// apply sets the fields of a request on a customer.
func (s *Server) apply(ctx context.Context, d, in document, isBackend bool) error {
	for field, value := range in {
		switch {
		case slices.Contains(textFields, field):
			text, ok := value.(string)
			if !ok && value != nil || ok && !wellFormed(field, text) {
				return invalid(field)
			}
			d[field] = value
		case field == "avatar":
			id, ok := value.(string)
			if !ok && value != nil {
				return invalid(field)
			}
			if ok {
				if err := checkImage(ctx, s.pool, id, "Customer", field, d.id()); err != nil {
					return err
				}
			}
			d[field] = value
		case field == "name":
			name, ok := value.(map[string]any)
			if !ok {
				return invalid(field)
			}
			own, _ := d["name"].(map[string]any)
			for part, text := range name {
				if _, ok := text.(string); (!ok && text != nil) || !slices.Contains([]string{"first", "last", "full"}, part) {
					return invalid("name." + part)
				}
				own[part] = text
			}
		case field == "address":
			address, ok := value.(map[string]any)
			if !ok {
				return invalid(field)
			}
			d[field] = address
		case field == "meta":
			meta, ok := value.(map[string]any)
			if !ok {
				return invalid(field)
			}
			if err := checkMetaImages(ctx, s.pool, meta, "Customer"); err != nil {
				return err
			}
			own, _ := d["meta"].(map[string]any)
			for key, value := range meta {
				own[key] = value
			}
		case slices.Contains(backendFields, field):
			if !isBackend {
				return invalid(field)
			}
			if err := s.applyBackend(ctx, d, field, value); err != nil {
				return err
			}
		case field == "password" || field == "deactivated":
		default: // unknown keys are passed over, as the shop does
		}
	}
	return nil
}

// wellFormed tells whether a field can hold a text.
func wellFormed(field, text string) bool {
	switch field {
	case "gender":
		return text == "male" || text == "female"
	case "birthdate":
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if _, err := time.Parse(layout, text); err == nil {
				return true
			}
		}
		return false
	}
	return true
}

func (s *Server) applyBackend(ctx context.Context, d document, field string, value any) error {
	switch field {
	case "groups":
		groups, ok := value.([]any)
		if !ok {
			return invalid(field)
		}
		for _, group := range groups {
			id, _ := group.(string)
			if _, err := s.load(ctx, "groups", id); err != nil {
				return badRequest("not-existing-group-relation")
			}
		}
	case "connect", "verified":
		if _, ok := value.(bool); !ok {
			return invalid(field)
		}
	}
	d[field] = value
	return nil
}

// credentials sets user id, mail address and password.
func credentials(d, in document, secret map[string]string) error {
	for _, field := range []string{"userId", "email", "password"} {
		value, given := in[field]
		if !given || value == nil {
			continue
		}
		text, ok := value.(string)
		if !ok || text == "" {
			return invalid(field)
		}
		switch field {
		case "email":
			if _, err := mail.ParseAddress(text); err != nil {
				return invalid(field)
			}
			d[field] = text
		case "userId":
			d[field] = text
		case "password":
			hash, err := bcrypt.GenerateFromPassword([]byte(text), hashCost)
			if err != nil {
				return invalid(field)
			}
			secret["password"] = string(hash)
		}
	}
	return nil
}

func (s *Server) createCustomer(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	d, secret := newCustomer(), map[string]string{}
	if err := credentials(d, in, secret); err != nil {
		return nil, err
	}
	for _, field := range []string{"userId", "email"} {
		delete(in, field)
	}
	if err := s.apply(c.Context(), d, in, c.backend); err != nil {
		return nil, err
	}
	if d["userId"] == nil && d["email"] == nil {
		return nil, invalid("userId")
	}
	if connect, _ := d["connect"].(bool); !connect && secret["password"] == "" {
		return nil, invalid("password")
	}
	err = pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error { return s.insert(c.Context(), tx, "customers", d, secret) })
	return created(d), err
}

// target is the customer a route is about: the one named, or oneself.
func target(c call) string {
	if c.customer != "" {
		return c.customer
	}
	return chi.URLParam(c.Request, "id")
}

func (s *Server) getMe(c call) (any, error) {
	d, err := s.load(c.Context(), "customers", c.customer)
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(c, "customers", []document{d})
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

func (s *Server) updateCustomer(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	return s.change(c.Context(), "customers", target(c), func(tx pgx.Tx, d document) error {
		if err := s.apply(c.Context(), d, in, c.customer == ""); err != nil {
			return err
		}
		return s.notify(c.Context(), tx, "customer.update", map[string]any{"customerId": d.id()}, d)
	})
}

// deleteCustomer deletes a customer with all that is nobody's without them.
// Orders stay, which remember their customer, and so do images and reviews.
func (s *Server) deleteCustomer(c call) (any, error) {
	return nil, pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(c.Context(), "DELETE FROM sandbox_clayful.document WHERE model = 'customers' AND id = $1", target(c))
		if err == nil && tag.RowsAffected() == 0 {
			err = notExisting("customers")
		}
		if err != nil {
			return err
		}
		for _, statement := range []string{
			"DELETE FROM sandbox_clayful.document WHERE model IN ('wishlists', 'issuedCoupons') AND body->>'customer' = $1",
			"DELETE FROM sandbox_clayful.document WHERE model = 'carts' AND id = $1",
			"DELETE FROM sandbox_clayful.verification WHERE customer = $1",
		} {
			if _, err := tx.Exec(c.Context(), statement, target(c)); err != nil {
				return fmt.Errorf("delete what was the customer's: %w", err)
			}
		}
		return s.notify(c.Context(), tx, "customer.delete", map[string]any{"customerId": target(c)}, nil)
	})
}

func (s *Server) authenticate(c call) (any, error) {
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	userID, _ := in["userId"].(string)
	email, _ := in["email"].(string)
	if userID == "" && email == "" {
		return nil, invalid("userId")
	}
	var d document
	var secret map[string]string
	err = s.pool.QueryRow(c.Context(), `
		SELECT body, secret FROM sandbox_clayful.document
		WHERE model = 'customers' AND (($1 <> '' AND body->>'userId' = $1) OR ($2 <> '' AND lower(body->>'email') = lower($2)))`,
		userID, email).Scan(&d, &secret)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, notExisting("customers")
	}
	if err != nil {
		return nil, fmt.Errorf("look for customer: %w", err)
	}
	password, given := in["password"].(string)
	connect, _ := d["connect"].(bool)
	switch {
	case connect && c.backend && !given:
	case bcrypt.CompareHashAndPassword([]byte(secret["password"]), []byte(password)) != nil:
		return nil, badRequest("invalid-password")
	}
	token, err := s.customerToken(d.id())
	return map[string]any{"customer": d.id(), "token": token, "expiresIn": int(s.config.TokenLifetime.Seconds())}, err
}

func (s *Server) isAuthenticated(c call) (any, error) {
	_, err := s.whose(c.Context(), c.Header.Get("Authorization-Customer"))
	var refusal *apiError
	if err != nil && !errors.As(err, &refusal) {
		return nil, err
	}
	return map[string]bool{"authenticated": err == nil}, nil
}

func (s *Server) updateCredentials(c call) (any, error) {
	var in struct {
		Password    string   `json:"password"`
		Credentials document `json:"credentials"`
	}
	if err := json.NewDecoder(c.Body).Decode(&in); err != nil || in.Credentials == nil {
		return nil, invalid("credentials")
	}
	id := target(c)
	return s.change(c.Context(), "customers", id, func(tx pgx.Tx, d document) error {
		secret, err := secretOf(c.Context(), tx, id)
		if err != nil {
			return err
		}
		if bcrypt.CompareHashAndPassword([]byte(secret["password"]), []byte(in.Password)) != nil {
			return badRequest("invalid-password")
		}
		if err := credentials(d, in.Credentials, secret); err != nil {
			return err
		}
		return saveSecret(c.Context(), tx, id, secret)
	})
}

func secretOf(ctx context.Context, tx pgx.Tx, id string) (map[string]string, error) {
	secret := map[string]string{}
	err := tx.QueryRow(ctx, "SELECT secret FROM sandbox_clayful.document WHERE model = 'customers' AND id = $1", id).Scan(&secret)
	return secret, err
}

func saveSecret(ctx context.Context, tx pgx.Tx, id string, secret map[string]string) error {
	_, err := tx.Exec(ctx, "UPDATE sandbox_clayful.document SET secret = $2 WHERE model = 'customers' AND id = $1", id, secret)
	return err
}

type verificationRequest struct {
	UserID    string `json:"userId"`
	Email     string `json:"email"`
	ExpiresIn int    `json:"expiresIn"` // seconds
	Scope     string `json:"scope"`
}

// verification makes a secret that proves whoever has it reads the customer's
// mail.
func (s *Server) verification(c call) (customer document, secret string, in verificationRequest, err error) {
	if err := json.NewDecoder(c.Body).Decode(&in); err != nil {
		return nil, "", in, invalid("userId")
	}
	if in.Scope != "verification" && in.Scope != "reset-password" {
		return nil, "", in, invalid("scope")
	}
	if in.ExpiresIn <= 0 {
		in.ExpiresIn = int((72 * time.Hour).Seconds())
	}
	err = s.pool.QueryRow(c.Context(), `
		SELECT body FROM sandbox_clayful.document
		WHERE model = 'customers' AND (($1 <> '' AND body->>'userId' = $1) OR ($2 <> '' AND lower(body->>'email') = lower($2)))`,
		in.UserID, in.Email).Scan(&customer)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", in, notExisting("customers")
	}
	if err != nil {
		return nil, "", in, err
	}
	if social, _ := customer["social"].([]any); len(social) > 0 && in.Scope == "reset-password" {
		return nil, "", in, badRequest("social-customer") // who logs in elsewhere has no password to reset
	}
	secret = rand.Text()
	_, err = s.pool.Exec(c.Context(), `
		INSERT INTO sandbox_clayful.verification (secret_hash, customer, scope, expires_at) VALUES ($1, $2, $3, $4)`,
		hashed(secret), customer.id(), in.Scope, time.Now().Add(time.Duration(in.ExpiresIn)*time.Second))
	return customer, secret, in, err
}

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func (s *Server) createVerification(c call) (any, error) {
	customer, secret, in, err := s.verification(c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"customer": customer.id(), "secret": secret, "scope": in.Scope}, nil
}

// mailVerification "mails" the secret: the control API shows the mail.
func (s *Server) mailVerification(c call) (any, error) {
	customer, secret, in, err := s.verification(c)
	if err != nil {
		return nil, err
	}
	address, _ := customer["email"].(string)
	if address == "" {
		return nil, badRequest("email-required")
	}
	link := s.config.ResetURL + "?" + url.Values{"customer": {customer.id()}, "secret": {secret}}.Encode()
	_, err = s.pool.Exec(c.Context(), "INSERT INTO sandbox_clayful.mail (address, body) VALUES ($1, $2)", address, map[string]string{
		"to": address, "scope": in.Scope, "link": link, "subject": "비밀번호 재설정", "body": "아래 링크를 눌러 주세요: " + link,
	})
	return map[string]any{}, err
}

func (s *Server) resetPassword(c call) (any, error) {
	var in struct {
		Secret   string `json:"secret"`
		Password string `json:"password"`
	}
	if err := json.NewDecoder(c.Body).Decode(&in); err != nil || in.Password == "" {
		return nil, invalid("password")
	}
	id := chi.URLParam(c.Request, "id")
	err := pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(c.Context(), `
			UPDATE sandbox_clayful.verification SET used_at = now()
			WHERE secret_hash = $1 AND customer = $2 AND scope = 'reset-password' AND used_at IS NULL AND expires_at > now()`,
			hashed(in.Secret), id)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return badRequest("invalid-secret")
		}
		secret := map[string]string{}
		if err := credentials(document{}, document{"password": in.Password}, secret); err != nil {
			return err
		}
		return saveSecret(c.Context(), tx, id, secret)
	})
	return map[string]bool{"reset": true}, err
}

// Mails are the mails sent to an address (all when ""), newest first.
func (s *Server) Mails(ctx context.Context, to string) ([]json.RawMessage, error) {
	var list []json.RawMessage
	err := s.pool.QueryRow(ctx, `
		SELECT coalesce(jsonb_agg(body || jsonb_build_object('sent_at', sent_at) ORDER BY id DESC), '[]')
		FROM sandbox_clayful.mail WHERE $1 = '' OR address = $1`, to).Scan(&list)
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	return list, nil
}
