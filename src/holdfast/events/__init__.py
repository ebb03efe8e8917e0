"""Events of the product, as Segment's, RudderStack's and PostHog's clients send them: read, kept in a journal, counted once for ever."""
