package live

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// line is the connection below a WebSocket. Frames that are the same for a
// whole room are written past the WebSocket, many at once; the WebSocket itself
// reads, and writes control frames, each in one piece.
type line struct {
	net.Conn

	early io.Reader // what came with the handshake, then the connection
	mu    sync.Mutex
}

// Read implements io.Reader.
func (l *line) Read(p []byte) (int, error) { return l.early.Read(p) }

// Write implements io.Writer.
func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Conn.Write(p)
}

func (l *line) write(frames [][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	buffers := net.Buffers(frames)
	if _, err := buffers.WriteTo(l.Conn); err != nil {
		return err
	}
	return l.SetWriteDeadline(time.Time{})
}

// upgrade hands the WebSocket a line with small buffers, and keeps the
// WebSocket's own words about a bad handshake from the answer.
type upgrade struct {
	http.ResponseWriter

	line *line
}

// WriteHeader implements http.ResponseWriter.
func (u *upgrade) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (u *upgrade) Write(p []byte) (int, error) { return len(p), nil }

// Hijack implements http.Hijacker.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := buffered.Peek(buffered.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	u.line = &line{Conn: conn, early: conn}
	if len(early) > 0 {
		u.line.early = io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	}
	const small = 512 // most frames, whole
	return u.line, bufio.NewReadWriter(bufio.NewReaderSize(u.line, small), bufio.NewWriterSize(u.line, small)), nil
}
