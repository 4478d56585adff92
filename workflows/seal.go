package workflows

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/byeolshow/byeolshow/model"
)

// SealKey encrypts personal data in histories. Secret has 32 bytes.
type SealKey struct {
	ID     string
	Secret []byte
}

// personal is data about a person, which is in no history in clear. Types that
// hold such data have the method.
type personal interface{ Personal() }

// Encodings of payloads.
const (
	encodingPersonal = "json/personal"    // inside the seal
	encodingSealed   = "binary/encrypted" // as every Temporal sample names it
	metadataKeyID    = "encryption-key-id"
)

// NewDataConverter encodes everything as Temporal does, and seals what is
// personal. The first key seals, all open.
func NewDataConverter(keys []SealKey) (converter.DataConverter, error) {
	codec, err := NewSealCodec(keys)
	if err != nil {
		return nil, err
	}
	plain := converter.NewCompositeDataConverter(
		converter.NewNilPayloadConverter(), converter.NewByteSlicePayloadConverter(), personalConverter{},
		converter.NewProtoJSONPayloadConverter(), converter.NewProtoPayloadConverter(), converter.NewJSONPayloadConverter(),
	)
	return converter.NewCodecDataConverter(plain, codec), nil
}

// NewFailureConverter writes failures into histories as Temporal does, but a
// vendor's words, which may repeat what a customer gave it, discreetly.
func NewFailureConverter(data converter.DataConverter) converter.FailureConverter {
	return discreetFailures{temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: data})}
}

type discreetFailures struct{ converter.FailureConverter }

// ErrorToFailure implements converter.FailureConverter.
func (c discreetFailures) ErrorToFailure(err error) *failurepb.Failure {
	failure := c.FailureConverter.ErrorToFailure(err)
	for f := failure; f != nil; f = f.GetCause() {
		f.Message = model.Discreet(f.GetMessage())
	}
	return failure
}

// personalConverter marks personal values, which the codec then seals.
type personalConverter struct{}

// Encoding implements converter.PayloadConverter.
func (personalConverter) Encoding() string { return encodingPersonal }

// ToPayload implements converter.PayloadConverter.
func (personalConverter) ToPayload(value any) (*commonpb.Payload, error) {
	if _, ok := value.(personal); !ok {
		return nil, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", converter.ErrUnableToEncode, err)
	}
	return &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encodingPersonal)}, Data: data}, nil
}

// FromPayload implements converter.PayloadConverter.
func (personalConverter) FromPayload(payload *commonpb.Payload, into any) error {
	if err := json.Unmarshal(payload.GetData(), into); err != nil {
		return fmt.Errorf("%w: %w", converter.ErrUnableToDecode, err)
	}
	return nil
}

// ToString implements converter.PayloadConverter.
func (personalConverter) ToString(*commonpb.Payload) string { return "(personal)" }

// sealCodec seals personal payloads with AES-256-GCM.
type sealCodec struct {
	first string
	keys  map[string]cipher.AEAD
}

// NewSealCodec makes the codec alone, for those who show histories.
func NewSealCodec(keys []SealKey) (converter.PayloadCodec, error) {
	codec := &sealCodec{keys: map[string]cipher.AEAD{}}
	for i, key := range keys {
		block, err := aes.NewCipher(key.Secret)
		if err != nil {
			return nil, fmt.Errorf("payload key %s: %w", key.ID, err)
		}
		if codec.keys[key.ID], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("payload key %s: %w", key.ID, err)
		}
		if i == 0 {
			codec.first = key.ID
		}
	}
	if codec.first == "" {
		return nil, errors.New("no payload key")
	}
	return codec, nil
}

// Encode implements converter.PayloadCodec.
func (c *sealCodec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingPersonal {
			return p, nil
		}
		open, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode payload: %w", err)
		}
		seal := c.keys[c.first]
		nonce := make([]byte, seal.NonceSize())
		if _, err := rand.Read(nonce); err != nil {
			return nil, fmt.Errorf("make nonce: %w", err)
		}
		return &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encodingSealed), metadataKeyID: []byte(c.first)},
			Data:     seal.Seal(nonce, nonce, open, []byte(c.first)),
		}, nil
	})
}

// Decode implements converter.PayloadCodec.
func (c *sealCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingSealed {
			return p, nil
		}
		id := string(p.GetMetadata()[metadataKeyID])
		seal, known := c.keys[id]
		if !known || len(p.GetData()) < seal.NonceSize() {
			return nil, fmt.Errorf("payload is sealed with the unknown key %q", id)
		}
		nonce, sealed := p.GetData()[:seal.NonceSize()], p.GetData()[seal.NonceSize():]
		data, err := seal.Open(nil, nonce, sealed, []byte(id))
		if err != nil {
			return nil, fmt.Errorf("open payload: %w", err)
		}
		opened := &commonpb.Payload{}
		if err := proto.Unmarshal(data, opened); err != nil {
			return nil, fmt.Errorf("decode payload: %w", err)
		}
		return opened, nil
	})
}

func each(payloads []*commonpb.Payload, do func(*commonpb.Payload) (*commonpb.Payload, error)) ([]*commonpb.Payload, error) {
	results := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		result, err := do(payload)
		if err != nil {
			return nil, err
		}
		results[i] = result
	}
	return results, nil
}
