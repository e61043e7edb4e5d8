// A classifier for 8x8 images: softmax regression, or one hidden layer of tanh units, trained by
// stochastic gradient descent with weight decay. Deterministic for a seed. Single precision.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace digits {

constexpr int kPixels = 64;
constexpr int kClasses = 10;

struct Image {
    float pixels[kPixels];  // 0 .. 1
    int label = 0;          // 0 .. 9
};

struct Setting {
    int hidden = 16;     // units; 0 = softmax regression
    float rate = 0.05f;  // learning rate
    float decay = 0.0f;  // weight decay per step
    int epochs = 40;
    uint64_t seed = 1;
};

class Network {
public:
    explicit Network(const Setting& setting);
    void train(const std::vector<Image>& images);
    int classify(const Image& image) const;
    /// Share of images whose label it names, 0 .. 1.
    double accuracy(const std::vector<Image>& images) const;
    /// All weights as little-endian float32: hidden x 64, hidden, 10 x inputs, 10.
    std::string bytes() const;

private:
    void forward(const Image& image, std::vector<float>& hidden, float* scores) const;
    void step(const Image& image);

    Setting setting_;
    int inputs_;                // of the output layer
    std::vector<float> first_;  // hidden x 64
    std::vector<float> first_bias_;
    std::vector<float> last_;  // 10 x inputs
    std::vector<float> last_bias_;
};

}  // namespace digits
