// The function "digits-train": trains one setting of the sweep on six shards and scores it on the
// seventh. Event: {"setting": {"id", "hidden", "rate", "decay", "epochs"}, "shards": [{"features",
// "labels"}, ...]}; features are base64 of 32 bytes an image (two pixels a byte, 0..15), labels a
// string of digits. Result: {"id", "hidden", "accuracy" (0..1), "seconds", "weights" (base64
// float32)}.
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "base/encoding.h"
#include "json/value.h"
#include "network.h"
#include "tandem/function.h"

namespace {

using tandem::json::Value;

constexpr size_t kBytesPerImage = digits::kPixels / 2;
constexpr size_t kValidationShard = 6;

void read_shard(const Value& shard, std::vector<digits::Image>& images) {
    const auto packed = tandem::base64_decode(shard.string_or("features", "!"));
    const std::string_view labels = shard.string_or("labels", "");
    if (!packed || packed->size() != labels.size() * kBytesPerImage)
        throw std::runtime_error("a shard's features and labels do not match");
    for (size_t i = 0; i < labels.size(); ++i) {
        digits::Image image;
        image.label = labels[i] - '0';
        if (image.label < 0 || image.label > 9) throw std::runtime_error("a label is no digit");
        for (size_t b = 0; b < kBytesPerImage; ++b) {
            const auto byte = uint8_t((*packed)[i * kBytesPerImage + b]);
            image.pixels[2 * b] = float(byte >> 4) / 15;
            image.pixels[2 * b + 1] = float(byte & 15) / 15;
        }
        images.push_back(image);
    }
}

digits::Setting read_setting(const Value& v) {
    const auto number = [&](const char* name, double fallback) {
        const Value* member = v.find(name);
        return member != nullptr && member->is_number() ? member->as_double() : fallback;
    };
    digits::Setting s;
    s.hidden = int(number("hidden", s.hidden));
    s.rate = float(number("rate", s.rate));
    s.decay = float(number("decay", s.decay));
    s.epochs = int(number("epochs", s.epochs));
    s.seed = uint64_t(number("id", 0)) + 1;
    if (s.hidden < 0 || s.hidden > 64 || s.epochs < 1 || s.epochs > 1000)
        throw std::runtime_error("a setting is out of range");
    return s;
}

std::string train(const tandem::Invocation& call) {
    const auto request = tandem::json::parse(call.text());
    const Value* shards = request ? request->find("shards") : nullptr;
    const Value* setting = request ? request->find("setting") : nullptr;
    if (shards == nullptr || setting == nullptr || !shards->is_array() ||
        shards->as_array().size() <= kValidationShard) {
        throw std::runtime_error("expected a setting and at least seven shards");
    }
    std::vector<digits::Image> training;
    std::vector<digits::Image> validation;
    for (size_t i = 0; i < kValidationShard; ++i) read_shard(shards->as_array()[i], training);
    read_shard(shards->as_array()[kValidationShard], validation);
    const auto began = std::chrono::steady_clock::now();
    const digits::Setting s = read_setting(*setting);
    digits::Network network(s);
    network.train(training);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return tandem::json::print(Value::object({
        {"id", setting->int_or("id", 0)},
        {"hidden", s.hidden},
        {"accuracy", std::round(network.accuracy(validation) * 10'000) / 10'000},
        {"seconds", std::round(seconds * 1000) / 1000},
        {"weights", tandem::base64_encode(network.bytes())},
    }));
}

}  // namespace

int main() { return tandem::serve(train); }
