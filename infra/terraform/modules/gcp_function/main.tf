locals {
  secrets_url = "gcp-secret-manager://${var.project}/${var.name}"

  # What the function needs before it exists: its secrets' ids, as core/stores/gcp_secret_manager.py makes them.
  secret_ids = { for name in var.secret_names : name => "${var.name}-${name}" }

  # The callers' keys are bound to a variable as well: with them the gateway answers even where a store is all it lacks.
  bound = setintersection(var.secret_names, var.bound_secrets)
}

resource "google_project_service" "this" {
  for_each = toset(["artifactregistry", "cloudbuild", "cloudfunctions", "iam", "run", "secretmanager"])

  project = var.project
  service = "${each.key}.googleapis.com"

  # Others in the project may use it too.
  disable_on_destroy = false
}

resource "google_cloudfunctions2_function" "this" {
  #checkov:skip=CKV_GCP_124:Clients call it from anywhere; the gateway checks their key
  project     = var.project
  location    = var.region
  name        = var.name
  description = "any2api: the OpenAI API in front of chat services that don't speak it"
  labels      = var.labels

  build_config {
    runtime               = "python${replace(var.python, ".", "")}"
    entry_point           = "openai_api"
    environment_variables = { GOOGLE_FUNCTION_SOURCE = "handlers/gcp_function.py" }
    service_account       = google_service_account.build.id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    available_cpu                    = "1"
    available_memory                 = var.memory
    timeout_seconds                  = var.timeout
    max_instance_request_concurrency = var.concurrency
    min_instance_count               = 0
    max_instance_count               = var.max_instances
    ingress_settings                 = "ALLOW_ALL"
    all_traffic_on_latest_revision   = true
    service_account_email            = google_service_account.function.email

    environment_variables = merge(var.environment, {
      ANY2API_TIME_LIMIT = tostring(var.timeout)
      SECRETS_URL        = local.secrets_url
    })

    dynamic "secret_environment_variables" {
      for_each = local.bound

      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = local.secret_ids[secret_environment_variables.key]
        version    = "latest"
      }
    }
  }

  depends_on = [
    google_project_iam_member.build,
    google_project_service.this,
    google_secret_manager_secret_iam_member.read,
    google_secret_manager_secret_version.this,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "public" {
  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}
