// Go: net and encoding/json, one goroutine per connection; answers are flushed when no more input is buffered.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
)

type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *failure        `json:"error,omitempty"`
}

func answer(payload []byte) ([]byte, error) {
	var call request
	if err := json.Unmarshal(payload, &call); err != nil {
		return nil, err
	}
	reply := response{Version: "2.0", ID: call.ID}
	if call.Method == "foo" {
		reply.Result = "ok"
	} else {
		reply.Error = &failure{-32601, "no such method"}
	}
	return json.Marshal(reply)
}

func serve(connection net.Conn) error {
	defer connection.Close()
	reader, writer := bufio.NewReader(connection), bufio.NewWriter(connection)
	var header [4]byte
	var payload []byte
	for {
		if _, err := io.ReadFull(reader, header[:]); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint32(header[:]))
		if cap(payload) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := io.ReadFull(reader, payload); err != nil {
			return err
		}
		reply, err := answer(payload)
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint32(header[:], uint32(len(reply)))
		writer.Write(header[:])
		writer.Write(reply)
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready listen=%s\n", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection)
	}
}
