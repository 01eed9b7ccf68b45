# Where Google takes the source from. An object for each version of the zip, so that a new one is a new build.
resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:Nobody but Google's build reads it, and the zip holds no secret
  #checkov:skip=CKV_GCP_78:Every version of the zip is an object of its own
  project                     = var.project
  name                        = "${var.project}-${var.name}-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = var.labels
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "${var.name}-${filesha256(var.package)}.zip"
  source = var.package
}

resource "google_service_account" "build" {
  project      = var.project
  account_id   = "${var.name}-build"
  display_name = "Builds the function ${var.name}"
  depends_on   = [google_project_service.this]
}

# What Google documents as the least that a build of a function takes.
resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer"])

  project = var.project
  role    = each.key
  member  = google_service_account.build.member
}
