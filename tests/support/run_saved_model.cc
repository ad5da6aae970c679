// Runs the signatures of a SavedModel by TensorFlow's C++ loader, the one inside TensorFlow Serving.
//
//   run_saved_model MODEL < CASES
//
// A case is a line "HEIGHT WIDTH PREFIX". PREFIX.raw holds the picture's uint8 pixels, PREFIX.png the same encoded; the
// results go to PREFIX.tensor (float32), PREFIX.tensor_uint8 and PREFIX.serving_default (PNG). For a line "0 0 PREFIX",
// PREFIX.png alone is sent and the status that comes back is printed.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/public/session.h"

using tensorflow::Tensor;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

void Write(const std::string& path, const char* data, size_t size) {
  std::ofstream(path, std::ios::binary).write(data, size);
}

// Runs a signature of one input and one output.
absl::Status Run(const tensorflow::SavedModelBundle& bundle, const std::string& name, const Tensor& input,
                 Tensor* output) {
  const auto& signature = bundle.GetSignatures().at(name);
  std::vector<Tensor> outputs;
  absl::Status status = bundle.GetSession()->Run({{signature.inputs().begin()->second.name(), input}},
                                                 {signature.outputs().begin()->second.name()}, {}, &outputs);
  if (status.ok()) *output = outputs[0];
  return status;
}

int main(int argc, char** argv) {
  tensorflow::SavedModelBundle bundle;
  absl::Status status = tensorflow::LoadSavedModel({}, {}, argv[1], {"serve"}, &bundle);
  if (!status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  int height, width;
  std::string prefix;
  while (std::cin >> height >> width >> prefix) {
    Tensor encoded(tensorflow::DT_STRING, {1}), sr_bytes, sr_uint8, sr;
    encoded.flat<tensorflow::tstring>()(0) = Read(prefix + ".png");
    status = Run(bundle, "serving_default", encoded, &sr_bytes);
    if (height == 0) {
      std::cout << status << "\n";
      continue;
    }
    const std::string raw = Read(prefix + ".raw");
    Tensor lr_uint8(tensorflow::DT_UINT8, {1, height, width, 3}), lr(tensorflow::DT_FLOAT, {1, height, width, 3});
    for (size_t i = 0; i < raw.size(); ++i) {
      lr_uint8.flat<uint8_t>()(i) = raw[i];
      lr.flat<float>()(i) = static_cast<uint8_t>(raw[i]) * (1.0f / 255.0f);
    }
    status.Update(Run(bundle, "tensor_uint8", lr_uint8, &sr_uint8));
    status.Update(Run(bundle, "tensor", lr, &sr));
    if (!status.ok()) {
      std::cerr << status << "\n";
      return 1;
    }
    const auto& png = sr_bytes.flat<tensorflow::tstring>()(0);
    Write(prefix + ".serving_default", png.data(), png.size());
    for (const auto& [name, tensor] : {std::pair{".tensor_uint8", sr_uint8}, std::pair{".tensor", sr}})
      Write(prefix + name, tensor.tensor_data().data(), tensor.tensor_data().size());
  }
  return 0;
}
