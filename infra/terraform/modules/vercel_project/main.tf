resource "vercel_project" "this" {
  name      = var.name
  team_id   = var.team_id
  framework = "fastapi"

  # Vercel's own protection stays as it is by default: everything but the production domain is behind a login page.
  resource_config = {
    fluid                    = true
    function_default_regions = var.regions
  }
}

resource "vercel_project_environment_variable" "secret" {
  for_each = var.secret_names

  project_id       = vercel_project.this.id
  team_id          = var.team_id
  key              = each.key
  value_wo         = var.secret_values[each.key]
  value_wo_version = var.secrets_version
  sensitive        = true
  target           = ["production"]
}

resource "vercel_project_environment_variable" "plain" {
  for_each = var.environment

  project_id = vercel_project.this.id
  team_id    = var.team_id
  key        = each.key
  value      = each.value
  sensitive  = false
  target     = ["production"]
}

# What `.vercelignore` leaves of the checkout: code, settings, and what says how to build it.
data "vercel_project_directory" "source" {
  path = var.directory
}

resource "vercel_deployment" "this" {
  project_id  = vercel_project.this.id
  team_id     = var.team_id
  files       = data.vercel_project_directory.source.files
  path_prefix = data.vercel_project_directory.source.path
  production  = true

  # A deployment has the variables that there were when it was made.
  depends_on = [vercel_project_environment_variable.plain, vercel_project_environment_variable.secret]

  lifecycle {
    replace_triggered_by = [
      vercel_project_environment_variable.plain,
      vercel_project_environment_variable.secret,
    ]
  }
}
