// SPDX-License-Identifier: MIT
#include "shared/objects.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

namespace temporal {

namespace {

constexpr std::size_t kAlignment = 4;
std::size_t padded(std::size_t size) { return (size + kAlignment - 1) & ~(kAlignment - 1); }

// The notes of an object in memory, one behind the other.
std::string build_id_in(std::span<const char> notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data(), sizeof header);
    const auto name_at = sizeof header;
    const auto text_at = name_at + padded(header.n_namesz);
    const auto next = text_at + padded(header.n_descsz);
    if (next > notes.size()) return {};
    constexpr std::string_view kGnu{"GNU\0", 4};
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == kGnu.size() &&
        std::string_view(notes.data() + name_at, kGnu.size()) == kGnu)
      return {notes.data() + text_at, header.n_descsz};
    notes = notes.subspan(next);
  }
  return {};
}

int add_object(dl_phdr_info* info, std::size_t, void* argument) {
  LoadedObject object{.base = info->dlpi_addr, .begin = UINTPTR_MAX};
  for (const auto& part : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    const auto begin = info->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD) {
      object.begin = std::min<std::uintptr_t>(object.begin, begin);
      object.end = std::max<std::uintptr_t>(object.end, begin + part.p_memsz);
    } else if (part.p_type == PT_NOTE && object.build_id.empty()) {
      object.build_id = build_id_in({reinterpret_cast<const char*>(begin), part.p_memsz});
    }
  }
  if (!object.build_id.empty())
    static_cast<std::vector<LoadedObject>*>(argument)->push_back(std::move(object));
  return 0;
}

}  // namespace

std::vector<LoadedObject> loaded_objects() {
  std::vector<LoadedObject> objects;
  ::dl_iterate_phdr(add_object, &objects);
  return objects;
}

std::optional<std::uintptr_t> translated(std::uintptr_t address,
                                         const std::vector<LoadedObject>& there,
                                         const std::vector<LoadedObject>& here) {
  const auto of = std::ranges::find_if(there, [&](const LoadedObject& object) {
    return object.begin <= address && address < object.end;
  });
  if (of == there.end()) return std::nullopt;
  const auto same = std::ranges::find(here, of->build_id, &LoadedObject::build_id);
  if (same == here.end()) return std::nullopt;
  return address - of->base + same->base;
}

}  // namespace temporal
