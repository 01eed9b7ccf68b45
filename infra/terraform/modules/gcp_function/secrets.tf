resource "google_service_account" "function" {
  project      = var.project
  account_id   = var.name
  display_name = "The function ${var.name}, which may read its secrets and nothing else"
  depends_on   = [google_project_service.this]
}

# By default the secrets are there already, set with `any2api secrets set NAME`, and Terraform never sees a value.
resource "google_secret_manager_secret" "this" {
  for_each = var.secrets_version > 0 ? local.secret_ids : {}

  project   = var.project
  secret_id = each.value
  labels    = var.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "this" {
  for_each = google_secret_manager_secret.this

  secret                 = each.value.id
  secret_data_wo         = var.secret_values[each.key]
  secret_data_wo_version = var.secrets_version
}

resource "google_secret_manager_secret_iam_member" "read" {
  for_each = local.secret_ids

  project   = var.project
  secret_id = var.secrets_version > 0 ? google_secret_manager_secret.this[each.key].secret_id : each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function.member
}
