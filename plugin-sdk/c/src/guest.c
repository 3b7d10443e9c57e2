// The component's side of the boundary: the functions that the bindings of the WIT call. Values are passed
// on as they are, never copied.
#ifdef __wasm__

#include "platform.h"
#include "transform.h"

#define EXPORT(name) __attribute__((__export_name__(name)))
#define POST_RETURN(function) \
    EXPORT("cabi_post_bifocal:transform/transform@1.0.0#" #function) \
    void __wasm_export_exports_bifocal_transform_transform_##function##_post_return(uint8_t *result)

void bf_platform_log(bf_level level, const char *text, size_t length) {
    plugin_string_t message = { .ptr = (uint8_t *)(uintptr_t)text, .len = length };
    bifocal_transform_host_log((uint8_t)level, &message);
}

void bf_platform_trap(void) { __builtin_trap(); }

// The host's hand in this memory: what it passes lies in the arena, as all else of the call does.
EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t new_size);
void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t new_size) {
    (void)alignment; // at most 8
    return bf_grow(old, old_size, new_size);
}

// The result has been read: all of the call goes at once. These replace the ones of the bindings, which
// would free it piece by piece.
POST_RETURN(describe);
POST_RETURN(fold);
POST_RETURN(merge);
POST_RETURN(present);
POST_RETURN(describe) { (void)result, bf_release_all(); }
POST_RETURN(fold) { (void)result, bf_release_all(); }
POST_RETURN(merge) { (void)result, bf_release_all(); }
POST_RETURN(present) { (void)result, bf_release_all(); }

// The bindings ask for the object file with the component's type; whoever makes the component embeds it.
extern void __component_type_object_force_link_plugin(void);
void __component_type_object_force_link_plugin(void) {}

static bf_text settings_of(const bf_transform *of) {
    if (!of->configure) {
        return bf_text_of("{}");
    }
    plugin_string_t settings;
    bifocal_transform_host_settings(&settings);
    return (bf_text){ .at = (const char *)settings.ptr, .length = (uint32_t)settings.len };
}

static bool answer(bool is_done, bf_text why, plugin_string_t *error) {
    if (!is_done) {
        *error = (plugin_string_t){ .ptr = (uint8_t *)(uintptr_t)why.at, .len = why.length };
        bf_platform_log(BF_ERROR, why.at, why.length);
    }
    return is_done;
}

bool exports_bifocal_transform_transform_describe(bf_description *out, plugin_string_t *error) {
    plugin_string_t settings;
    bf_text why = { 0 };
    // Also of a transform that takes none: it refuses them.
    bifocal_transform_host_settings(&settings);
    bf_text text = { .at = (const char *)settings.ptr, .length = (uint32_t)settings.len };
    return answer(bf_describe(bf_exported, text, out, &why), why, error);
}

bool exports_bifocal_transform_transform_fold(bf_events *events, bf_folded *out, plugin_string_t *error) {
    bf_text why = { 0 };
    return answer(bf_fold(bf_exported, settings_of(bf_exported), events, out, &why), why, error);
}

bool exports_bifocal_transform_transform_merge(bf_blobs *left, bf_blobs *right, bf_blobs *out,
                                               plugin_string_t *error) {
    bf_text why = { 0 };
    return answer(bf_merge(bf_exported, left, right, out, &why), why, error);
}

bool exports_bifocal_transform_transform_present(bf_columns *keys, bf_list *windows, bf_blobs *states,
                                                 bf_columns *out, plugin_string_t *error) {
    (void)keys, (void)windows;
    bf_text why = { 0 };
    return answer(bf_present(bf_exported, settings_of(bf_exported), states, out, &why), why, error);
}

#endif
