interface StoredEvent<Message> {
  readonly stream: string
  readonly message: Message
}

/** Remembers the events of one session, for clients that read on after an interruption (`Last-Event-ID`). Fits both SDKs. */
export function createEventStore<Message extends object>() {
  const events: StoredEvent<Message>[] = []
  return {
    async storeEvent(stream: string, message: Message): Promise<string> {
      events.push({ stream, message })
      return String(events.length)
    },
    async getStreamIdForEventId(id: string): Promise<string | undefined> {
      return events[Number(id) - 1]?.stream
    },
    async replayEventsAfter(
      id: string,
      { send }: { send: (id: string, message: Message) => Promise<void> },
    ): Promise<string> {
      const seen = Number(id)
      const stream = events[seen - 1]?.stream
      if (stream === undefined) throw new Error('there is no such event')
      for (const [index, event] of events.entries()) {
        // The first event of a stream holds no message: it only gives the stream a place to read on from.
        if (index >= seen && event.stream === stream && Object.keys(event.message).length > 0)
          await send(String(index + 1), event.message)
      }
      return stream
    },
  }
}
