package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// devSecrets are the secrets a development set-up makes for itself, once.
type devSecrets struct {
	JWTKey        string `json:"jwt_key"`
	ClayfulToken  string `json:"clayful_token"`
	CustomerToken string `json:"customer_token_secret"`
	MuxTokenID    string `json:"mux_token_id"`
	MuxSecret     string `json:"mux_token_secret"`
	MuxWebhook    string `json:"mux_webhook_secret"`
	FCMKey        string `json:"fcm_private_key"`

	PayloadKey      string `json:"payload_key"`
	IamportKey      string `json:"iamport_key"`
	IamportSecret   string `json:"iamport_secret"`
	RefundWebhook   string `json:"clayful_refund_webhook_secret"`
	MarkdoneWebhook string `json:"clayful_markdone_webhook_secret"`
	ClayfulWebhook  string `json:"clayful_webhook_secret"`

	CodecToken string `json:"codec_token"`

	KakaoClientID  string `json:"kakao_client_id"`
	KakaoSecret    string `json:"kakao_client_secret"`
	NaverClientID  string `json:"naver_client_id"`
	NaverSecret    string `json:"naver_client_secret"`
	FacebookSecret string `json:"facebook_client_secret"`
}

// loadSecrets reads the secrets of a data folder, and makes those it has not.
func loadSecrets(dataDir string) (devSecrets, error) {
	var s devSecrets
	path := filepath.Join(dataDir, "secrets.json")
	text, err := os.ReadFile(path) //nolint:gosec // our own folder
	if err == nil {
		if err := json.Unmarshal(text, &s); err != nil {
			return s, fmt.Errorf("%s is damaged: remove it and start again (everybody is logged out then)", path)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	complete, err := s.fill()
	if err != nil || complete {
		return s, err
	}
	if text, err = json.MarshalIndent(s, "", "  "); err != nil { //nolint:gosec // for a file only its owner reads
		return s, fmt.Errorf("encode secrets: %w", err)
	}
	partial := path + ".new"
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return s, fmt.Errorf("write secrets: %w", err)
	}
	return s, os.Rename(partial, path)
}

// fill makes the secrets that are missing, and tells whether none was.
func (s *devSecrets) fill() (complete bool, err error) {
	complete = true
	keep := func(secret *string, fresh func() string) {
		if *secret == "" {
			*secret, complete = fresh(), false
		}
	}
	for _, secret := range []*string{
		&s.ClayfulToken, &s.CustomerToken, &s.MuxTokenID, &s.MuxSecret, &s.MuxWebhook, &s.IamportKey, &s.IamportSecret,
		&s.RefundWebhook, &s.MarkdoneWebhook, &s.ClayfulWebhook, &s.CodecToken,
		&s.KakaoClientID, &s.KakaoSecret, &s.NaverClientID, &s.NaverSecret, &s.FacebookSecret,
	} {
		keep(secret, rand.Text)
	}
	for _, key := range []*string{&s.JWTKey, &s.PayloadKey} {
		keep(key, func() string {
			seed := make([]byte, 32)
			_, _ = rand.Read(seed) // never fails
			return "dev:" + base64.RawURLEncoding.EncodeToString(seed)
		})
	}
	if s.FCMKey != "" {
		return complete, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return false, fmt.Errorf("make FCM key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return false, fmt.Errorf("encode FCM key: %w", err)
	}
	s.FCMKey = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return false, nil
}

// fcmCredentials is a service account of the sandbox, as Google hands them out.
func (s devSecrets) fcmCredentials(sandboxURL string) string {
	text, _ := json.Marshal(map[string]string{ // strings always encode
		"type": "service_account", "project_id": "byeolshow-dev", "private_key_id": "dev", "private_key": s.FCMKey,
		"client_email": "byeolshow@byeolshow-dev.iam.gserviceaccount.com", "token_uri": sandboxURL + "/fcm/token",
	})
	return string(text)
}
