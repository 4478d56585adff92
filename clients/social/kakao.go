package social

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/sync/errgroup"
)

func (c *Client) kakao(app App) (*vendor, error) {
	if app.AppID == 0 {
		return nil, errors.New("kakao has a client id, and no app id")
	}
	login, api := at(app.AuthURL, "https://kauth.kakao.com"), at(app.APIURL, "https://kapi.kakao.com")
	return &vendor{
		oauth: oauth2.Config{Endpoint: oauth2.Endpoint{AuthURL: login + "/oauth/authorize", TokenURL: login + "/oauth/token"}},
		profile: func(ctx context.Context, token string) (Profile, error) {
			group, ctx := errgroup.WithContext(ctx)
			var person kakaoPerson
			group.Go(func() error { return c.ask(ctx, Kakao, http.MethodGet, api+"/v2/user/me", token, &person) })
			group.Go(func() error {
				var info struct {
					AppID int64 `json:"app_id"`
				}
				if err := c.ask(ctx, Kakao, http.MethodGet, api+"/v1/user/access_token_info", token, &info); err != nil {
					return err
				}
				if info.AppID != app.AppID {
					return &RefusedError{Vendor: Kakao, Status: http.StatusOK, Reason: "token of another app"}
				}
				return nil
			})
			if err := group.Wait(); err != nil {
				return Profile{}, err
			}
			return person.profile()
		},
		logOut: func(ctx context.Context, token string) error {
			var gone struct{}
			return c.ask(ctx, Kakao, http.MethodPost, api+"/v1/user/logout", token, &gone)
		},
	}, nil
}

type kakaoPerson struct {
	ID         int64 `json:"id"`
	Properties struct {
		Nickname string `json:"nickname"`
	} `json:"properties"`
	Account struct {
		Profile struct {
			Nickname string `json:"nickname"`
		} `json:"profile"`
		Email    string `json:"email"`
		Valid    *bool  `json:"is_email_valid"`
		Verified *bool  `json:"is_email_verified"`
		Phone    string `json:"phone_number"`
	} `json:"kakao_account"`
}

// profile takes the nickname for the name too, for Kakao tells no other one
// unless it has approved of that.
func (p kakaoPerson) profile() (Profile, error) {
	if p.ID == 0 {
		return Profile{}, silent(Kakao, errNobody)
	}
	nickname := line(p.Account.Profile.Nickname)
	if nickname == "" {
		nickname = line(p.Properties.Nickname)
	}
	email := address(p.Account.Email)
	if isFalse(p.Account.Valid) || isFalse(p.Account.Verified) {
		email = ""
	}
	return Profile{Nickname: nickname, Name: nickname, Email: email, Mobile: koreanMobile(p.Account.Phone)}, nil
}

func isFalse(b *bool) bool { return b != nil && !*b }

// errNobody is a profile without an id.
var errNobody = errors.New("profile is of nobody")
