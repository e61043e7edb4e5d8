#include "network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

namespace digits {

Network::Network(const Setting& setting)
    : setting_(setting),
      inputs_(setting.hidden > 0 ? setting.hidden : kPixels),
      first_(size_t(setting.hidden) * kPixels),
      first_bias_(size_t(setting.hidden)),
      last_(size_t(inputs_) * kClasses),
      last_bias_(kClasses) {
    std::mt19937_64 random(setting.seed);
    std::normal_distribution<float> normal;
    for (float& w : first_) w = normal(random) / std::sqrt(float(kPixels));
    for (float& w : last_) w = normal(random) / std::sqrt(float(inputs_));
}

void Network::forward(const Image& image, std::vector<float>& hidden, float* scores) const {
    for (int h = 0; h < setting_.hidden; ++h) {
        const float* w = &first_[size_t(h) * kPixels];
        hidden[size_t(h)] =
            std::tanh(std::inner_product(w, w + kPixels, image.pixels, first_bias_[size_t(h)]));
    }
    const float* in = setting_.hidden > 0 ? hidden.data() : image.pixels;
    for (int c = 0; c < kClasses; ++c) {
        const float* w = &last_[size_t(c) * size_t(inputs_)];
        scores[c] = std::inner_product(w, w + inputs_, in, last_bias_[size_t(c)]);
    }
}

void Network::step(const Image& image) {
    std::vector<float> hidden(size_t(setting_.hidden));
    float p[kClasses];
    forward(image, hidden, p);
    const float top = *std::max_element(p, p + kClasses);
    float sum = 0;
    for (float& v : p) sum += v = std::exp(v - top);
    std::vector<float> back(size_t(setting_.hidden), 0.0f);
    const float* in = setting_.hidden > 0 ? hidden.data() : image.pixels;
    const float keep = 1 - setting_.rate * setting_.decay;
    for (int c = 0; c < kClasses; ++c) {
        const float error = p[c] / sum - (c == image.label ? 1.0f : 0.0f);
        float* w = &last_[size_t(c) * size_t(inputs_)];
        for (int h = 0; h < setting_.hidden; ++h) back[size_t(h)] += error * w[h];
        for (int i = 0; i < inputs_; ++i) w[i] = w[i] * keep - setting_.rate * error * in[i];
        last_bias_[size_t(c)] -= setting_.rate * error;
    }
    for (int h = 0; h < setting_.hidden; ++h) {
        const float error = back[size_t(h)] * (1 - hidden[size_t(h)] * hidden[size_t(h)]);
        float* w = &first_[size_t(h) * kPixels];
        for (int i = 0; i < kPixels; ++i)
            w[i] = w[i] * keep - setting_.rate * error * image.pixels[i];
        first_bias_[size_t(h)] -= setting_.rate * error;
    }
}

void Network::train(const std::vector<Image>& images) {
    std::mt19937_64 random(setting_.seed + 1);
    std::vector<size_t> order(images.size());
    std::iota(order.begin(), order.end(), size_t(0));
    for (int epoch = 0; epoch < setting_.epochs; ++epoch) {
        std::shuffle(order.begin(), order.end(), random);
        for (const size_t i : order) step(images[i]);
    }
}

int Network::classify(const Image& image) const {
    std::vector<float> hidden(size_t(setting_.hidden));
    float scores[kClasses];
    forward(image, hidden, scores);
    return int(std::max_element(scores, scores + kClasses) - scores);
}

double Network::accuracy(const std::vector<Image>& images) const {
    if (images.empty()) return 0;
    const auto right = std::count_if(images.begin(), images.end(), [&](const Image& image) {
        return classify(image) == image.label;
    });
    return double(right) / double(images.size());
}

std::string Network::bytes() const {
    std::string out;
    for (const auto* part : {&first_, &first_bias_, &last_, &last_bias_}) {
        out.append(reinterpret_cast<const char*>(part->data()), part->size() * sizeof(float));
    }
    return out;
}

}  // namespace digits
