//! Answers with readings and their line.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use axum::extract::Path;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;

struct Query;

#[Object]
impl Query {
    async fn slope(&self, text: String) -> Option<f64> {
        model::fit(&model::parse(&text)).map(|(slope, _)| slope)
    }
}

#[derive(serde::Deserialize)]
struct Upload {
    text: String,
}

async fn readings(Json(upload): Json<Upload>) -> Json<Vec<model::Reading>> {
    Json(model::parse(&upload.text))
}

async fn page(Path(name): Path<String>) -> Html<String> {
    let mut context = tera::Context::new();
    context.insert("name", &name);
    Html(tera::Tera::one_off("<h1>{{ name }}</h1>", &context, true).unwrap_or_default())
}

async fn slope(text: String) -> String {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let query = format!("{{ slope(text: {text:?}) }}");
    schema.execute(query).await.data.to_string()
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    let routes = Router::new()
        .route("/readings", post(readings))
        .route("/slope", post(slope))
        .route("/page/{name}", get(page))
        .fallback_service(ServeDir::new("static"))
        .layer(TraceLayer::new_for_http());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    tracing::info!(weight = receipt::weight(), "loaded");
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, routes).await
}
