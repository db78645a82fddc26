#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sft {

// Threads that carry out tasks in the order of their submission. One thread or fewer: `submit` does
// the task itself. The destructor drops what has not begun and waits for the rest.
class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The future holds what the task threw.
  std::future<void> submit(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<std::packaged_task<void()>> tasks_;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

// The steps of a stream of batches. `make` gives the next one (nullptr at the end) and `take` gets
// each back in the order of making, both on the caller's thread; `work` is called in between, for
// several batches at once.
template <typename Batch>
struct BatchSteps {
  std::function<std::unique_ptr<Batch>()> make;
  std::function<void(Batch&)> work;
  std::function<void(Batch&)> take;
};

// Runs the stream to its end with a bounded number of batches in memory. Throws what the first
// batch that fails threw; the number of threads changes nothing but the time.
template <typename Batch>
void run_in_order(int threads, const BatchSteps<Batch>& steps) {
  struct Pending {
    std::unique_ptr<Batch> batch;
    std::future<void> done;
  };
  std::deque<Pending> pending;
  WorkerPool pool(threads);
  const size_t most = 2 * static_cast<size_t>(threads > 1 ? threads : 1);
  const auto take_first = [&] {
    Pending first = std::move(pending.front());
    pending.pop_front();
    first.done.get();
    steps.take(*first.batch);
  };
  std::exception_ptr failure;
  while (true) {
    std::unique_ptr<Batch> batch;
    try {
      batch = steps.make();
    } catch (...) {
      failure = std::current_exception();
    }
    if (batch == nullptr) {
      break;
    }
    Batch* const borrowed = batch.get();
    pending.push_back({.batch = std::move(batch),
                       .done = pool.submit([&steps, borrowed] { steps.work(*borrowed); })});
    if (pending.size() >= most) {
      take_first();
    }
  }
  // A row that cannot be read comes behind those made before it, whose faults are to be told first.
  while (!pending.empty()) {
    take_first();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace sft
