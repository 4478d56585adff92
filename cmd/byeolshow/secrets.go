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
}

func loadSecrets(dataDir string) (devSecrets, error) {
	var s devSecrets
	path := filepath.Join(dataDir, "secrets.json")
	text, err := os.ReadFile(path) //nolint:gosec // our own folder
	if err == nil {
		if err := json.Unmarshal(text, &s); err != nil {
			return s, fmt.Errorf("%s is damaged: remove it and start again (everybody is logged out then)", path)
		}
		return s, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return s, fmt.Errorf("make FCM key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return s, fmt.Errorf("encode FCM key: %w", err)
	}
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails
	s = devSecrets{
		JWTKey:       "dev:" + base64.RawURLEncoding.EncodeToString(seed),
		ClayfulToken: rand.Text(), CustomerToken: rand.Text(),
		MuxTokenID: rand.Text(), MuxSecret: rand.Text(), MuxWebhook: rand.Text(),
		FCMKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
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

// fcmCredentials is a service account of the sandbox, as Google hands them out.
func (s devSecrets) fcmCredentials(sandboxURL string) string {
	text, _ := json.Marshal(map[string]string{ // strings always encode
		"type": "service_account", "project_id": "byeolshow-dev", "private_key_id": "dev", "private_key": s.FCMKey,
		"client_email": "byeolshow@byeolshow-dev.iam.gserviceaccount.com", "token_uri": sandboxURL + "/fcm/token",
	})
	return string(text)
}
