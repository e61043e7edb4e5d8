#include "api/durabletask/work_stream.h"

namespace tandem::durabletask {

namespace {

// Fields of WorkItem.
constexpr uint32_t kRequestFields[kWorkKinds] = {1, 2, 5};
constexpr uint32_t kHealthPing = 4;
constexpr uint32_t kToken = 10;

void append_varint(std::string& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(char(value | 0x80));
    out.push_back(char(value));
}

std::string field_head(uint32_t number, size_t bytes) {
    std::string head;
    append_varint(head, number << 3 | 2);
    append_varint(head, bytes);
    return head;
}

/// The payload's own bytes, kept as long as gRPC needs them.
grpc::Slice slice_of(const Payload& payload) {
    auto* kept = new Payload(payload);
    return grpc::Slice(
        const_cast<char*>(kept->view().data()), kept->size(),
        [](void* data) { delete static_cast<Payload*>(data); }, kept);
}

}  // namespace

std::shared_ptr<WorkStream> WorkStream::open(
    WorkItems& items, WorkerTerms terms,
    std::function<void(const std::shared_ptr<WorkStream>&)> over) {
    auto stream = std::make_shared<WorkStream>(items, std::move(over));
    stream->self_ = stream;
    const auto worker =
        items.connect(std::move(terms), [weak = std::weak_ptr(stream)](const WorkItem& item) {
            if (const auto open = weak.lock()) open->send(item);
        });
    {
        const std::lock_guard lock(stream->mutex_);
        stream->worker_ = worker;
        if (!stream->is_over_) return stream;
    }
    items.disconnect(worker);
    return stream;
}

std::shared_ptr<WorkStream> WorkStream::refused(const grpc::Status& status) {
    auto stream = std::make_shared<WorkStream>();
    stream->self_ = stream;
    stream->end(status);
    return stream;
}

void WorkStream::send(const WorkItem& item) {
    const std::string head = field_head(kRequestFields[size_t(item.kind)], item.request.size());
    const std::string tail = field_head(kToken, item.token.size()) + item.token;
    const grpc::Slice slices[] = {grpc::Slice(head), slice_of(item.request), grpc::Slice(tail)};
    push(grpc::ByteBuffer(slices, 3));
}

void WorkStream::ping() {
    const grpc::Slice slice(field_head(kHealthPing, 0));
    push(grpc::ByteBuffer(&slice, 1));
}

void WorkStream::push(grpc::ByteBuffer buffer) {
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    queue_.push_back(std::move(buffer));
    if (is_writing_) return;
    is_writing_ = true;
    StartWrite(&queue_.front());
}

void WorkStream::OnWriteDone(bool ok) {
    if (!ok) end(grpc::Status::CANCELLED);
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
    queue_.pop_front();
    if (ended_) return Finish(*ended_);
    if (is_over_ || queue_.empty()) return;
    is_writing_ = true;
    StartWrite(&queue_.front());
}

/// What it had goes to others at once.
void WorkStream::end(const grpc::Status& status) {
    WorkItems::WorkerId worker = 0;
    {
        const std::lock_guard lock(mutex_);
        if (is_over_) return;
        is_over_ = true;
        worker = worker_;
        if (is_writing_) ended_ = status;
        else Finish(status);
    }
    if (items_ != nullptr && worker != 0) items_->disconnect(worker);
}

void WorkStream::OnDone() {
    const auto self = std::move(self_);
    if (over_) over_(self);
}

}  // namespace tandem::durabletask
