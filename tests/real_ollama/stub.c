/* Stands for libggml-sycl.so: no such device. The real one needs a GPU platform and 2 GB more. */
void *ggml_backend_sycl_buffer_type(int device) { (void)device; return 0; }
int ggml_backend_sycl_get_device_count(void) { return 0; }
void *ggml_backend_sycl_init(int device) { (void)device; return 0; }
