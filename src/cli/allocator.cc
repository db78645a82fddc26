// The allocator. jemalloc gives memory of changing sizes back in better order than the C library's
// (peak of a run over SmolLM2-135M 3.3 GB against 4.0 GB after four steps), and keeps what was
// freed mapped for a while, since the page faults of a step's short-lived tensors cost more than
// their arithmetic. jemalloc reads this string when it starts; MALLOC_CONF in the environment adds
// to it.

extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:false,dirty_decay_ms:20000,muzzy_decay_ms:20000";
}
