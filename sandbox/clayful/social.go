package clayful

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// socialKey is where a customer's secrets keep whom a vendor knows them as.
const socialKey = "social"

// profiles are where a vendor tells whom an access token is of.
var profiles = map[string]struct{ host, path string }{
	"kakao":    {"https://kapi.kakao.com", "/v2/user/me"},
	"naver":    {"https://openapi.naver.com", "/v1/nid/me"},
	"facebook": {"https://graph.facebook.com", "/me?fields=id,name,email"},
}

// vendorPatience is how long the shop waits for a vendor.
const vendorPatience = 5 * time.Second

// authenticateSocial logs in whoever a vendor's access token is of, and makes
// them a customer the first time.
func (s *Server) authenticateSocial(c call) (any, error) {
	vendor := chi.URLParam(c.Request, "vendor")
	at, known := profiles[vendor]
	if !known {
		return nil, &apiError{status: http.StatusNotFound, code: "not-supported-vendor"}
	}
	profileURL := cmp.Or(s.config.Social[vendor], at.host) + at.path
	in, err := read(c.Request)
	if err != nil {
		return nil, err
	}
	token, _ := in["token"].(string)
	if token == "" {
		return nil, invalid("token")
	}
	who, err := whois(c.Context(), vendor, profileURL, token)
	if err != nil {
		if !errors.As(err, new(*apiError)) {
			s.config.Logger.WarnContext(c.Context(), "social vendor could not be asked", "vendor", vendor, "error", err)
			err = &apiError{status: http.StatusBadGateway, code: "vendor-unavailable"}
		}
		return nil, err
	}
	action := "login"
	customer, err := s.bySocial(c.Context(), vendor, who.id)
	if errors.Is(err, pgx.ErrNoRows) {
		action = "register"
		customer, err = s.register(c.Context(), vendor, who)
		if errors.As(err, new(*apiError)) { // perhaps by the same person a moment ago
			if known, lookErr := s.bySocial(c.Context(), vendor, who.id); lookErr == nil {
				action, customer, err = "login", known, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	customerToken, err := s.customerToken(customer)
	return map[string]any{
		"action": action, "customer": customer, "token": customerToken, "expiresIn": int(s.config.TokenLifetime.Seconds()),
	}, err
}

func (s *Server) bySocial(ctx context.Context, vendor, id string) (customer string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT id FROM sandbox_clayful.document WHERE model = 'customers' AND secret->>'social' = $1", vendor+"/"+id).Scan(&customer)
	return customer, err
}

func (s *Server) register(ctx context.Context, vendor string, who socialPerson) (customer string, err error) {
	d := newCustomer()
	d["social"] = []any{map[string]any{"vendor": vendor}}
	if who.email != "" {
		d["email"] = who.email
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return s.insert(ctx, tx, "customers", d, map[string]string{socialKey: vendor + "/" + who.id})
	})
	return d.id(), err
}

// socialPerson is whom a vendor knows.
type socialPerson struct{ id, email string }

// whois asks a vendor whom a token is of.
func whois(ctx context.Context, vendor, profileURL, token string) (socialPerson, error) {
	ctx, cancel := context.WithTimeout(ctx, vendorPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, profileURL, nil)
	if err != nil {
		return socialPerson{}, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return socialPerson{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= http.StatusInternalServerError {
		return socialPerson{}, fmt.Errorf("%s answered %d", vendor, response.StatusCode)
	}
	var profile struct {
		ID           json.RawMessage `json:"id"`
		Email        string          `json:"email"`
		KakaoAccount struct {
			Email string `json:"email"`
		} `json:"kakao_account"`
		Response struct {
			ID    json.RawMessage `json:"id"`
			Email string          `json:"email"`
		} `json:"response"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&profile); err != nil {
		return socialPerson{}, fmt.Errorf("decode: %w", err)
	}
	who := socialPerson{id: string(profile.ID), email: profile.Email}
	switch vendor {
	case "kakao":
		who.email = profile.KakaoAccount.Email
	case "naver":
		who = socialPerson{id: string(profile.Response.ID), email: profile.Response.Email}
	}
	who.id = strings.Trim(who.id, `"`)
	if response.StatusCode != http.StatusOK || who.id == "" || who.id == "null" {
		return socialPerson{}, badRequest("invalid-token")
	}
	return who, nil
}
